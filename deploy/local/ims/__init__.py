"""An emulator of the Image Management Service (IMS) of Open Telekom Cloud and Huawei Cloud.

It answers what the "Image Management Service API reference" documents about creating, listing and tagging
images, keeps what it was told, and sends the events that this causes. Beside IMS it is as much of Cloud
Trace Service (CTS) and of identity as clients of images need, all at one address. It is a command (`python
-m deploy.local.ims`) and the fixture of the tests at once: what runs on a person's machine is what the
tests ran against.

Emulated:

- tags: `PUT` and `GET /v1/cloudimages/tags`; `GET` and `POST /v2/{project_id}/images/{image_id}/tags`;
  `POST .../tags/action`; `DELETE .../tags/{key}`; `GET /v2/{project_id}/images/tags`; `POST
  /v2/{project_id}/images/resource_instances/action`
- images: `POST /v2/images`, `GET` and `DELETE /v2/images/{image_id}`
- lists of images, with all published filters, sorting and paging: `GET /v2/cloudimages`, `GET /v2/images`
- images that are shared, with the projects that they are shared with and whether those accepted
- images made by a job, from a server, a file, disks or another image: `POST /v2/cloudimages/action`, `POST
  /v1/cloudimages/{image_id}/copy`, `GET /v1/{project_id}/jobs/{job_id}`
- what an image was made of: `__data_origin` and `__originalimagename` of copies and of images of servers
- the life of an image: queued, saving, active; and of a job: INIT, RUNNING, then SUCCESS or FAIL
- traces of the last seven days: `GET /v3/{project_id}/traces`
- events, which are the same traces: one of a native creation and of a deletion, two of a job, and by a
  setting one of each call that changes tags
- the gateway in front: `X-Auth-Token`, signatures (SDK-HMAC-SHA256) with their clock and the locking of
  keys, rights, request ids, flow control, its own error bodies
- identity: `POST /v3/auth/tokens` with a password or as an agency, `GET /v3/auth/catalog`; the metadata
  service of a machine
- versions: `GET /`, `GET /v2`, `GET /v3`
- faults, scripted through `/_emulator/faults`, down to broken connections

Not emulated: every other call, answered as the gateway answers an unknown API; the calls that share an
image and accept one; image files, servers and disks, so that a job can name any; which kinds of images can
be copied; jobs that copy to another region, import quickly, register, export or share images, and files
with data disks; traces of data, and traces in files; paging by number and the filter by flavor, answered
501. How many calls the real service lets pass is not published: flow control is off until the control plane
sets a limit.

Where the reference is silent the emulator has to choose. Each such choice is marked "inferred" where it is
made, in the docstring of the module or the function. The faults can script any other answer. What is
published in two ways or not at all, and what clients must bear in either way, is a setting: see
`state.settings` and `state.traces`. A profile of a real cloud sets them at the start: see `profile`.

How a test or a person makes images, traces and settings is in the docstrings of `control`, with an example
each.
"""
