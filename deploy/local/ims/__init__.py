"""An emulator of the Image Management Service (IMS) of Open Telekom Cloud and Huawei Cloud.

It answers what the "Image Management Service API reference" documents about creating and tagging images,
keeps what it was told, and sends the events that this causes. It is a command (`python -m
deploy.local.ims`) and the fixture of the tests at once: what runs on a person's machine is what the tests
ran against.

Emulated:

- tags: `PUT` and `GET /v1/cloudimages/tags`; `GET` and `POST /v2/{project_id}/images/{image_id}/tags`;
  `POST .../tags/action`; `DELETE .../tags/{key}`
- images: `POST /v2/images`, `GET` and `DELETE /v2/images/{image_id}`, `GET /v2/cloudimages`
- images made by a job, from a server, a file, disks or another image: `POST /v2/cloudimages/action`,
  `POST /v1/cloudimages/{image_id}/copy`, `GET /v1/{project_id}/jobs/{job_id}`
- what an image was made of: `__data_origin` and `__originalimagename` of copies and of images of servers
- the life of an image: queued, saving, active; and of a job: INIT, RUNNING, then SUCCESS or FAIL
- events: one trace of a native creation, two of a job, and by a setting one of each call that adds tags
- the gateway in front: `X-Auth-Token`, signatures (SDK-HMAC-SHA256) with their clock and the locking of keys,
  request ids, flow control, its own error bodies
- identity: `POST /v3/auth/tokens` with a password or as an agency; the metadata service of a machine
- faults, scripted through `/_emulator/faults`, down to broken connections

Not emulated: every other call, answered as the gateway answers an unknown API; rights; shared images; image
files, servers and disks, so that a job can name any; which kinds of images can be copied; jobs that copy to
another region, import quickly, register, export or share images, and files with data disks; traces of
deleting images or tags; sorting, paging by number and filters by time, answered 501. How many calls the real
service lets pass is not published: flow control is off until the control plane sets a limit.

Where the reference is silent the emulator has to choose. Each such choice is marked "inferred" where it
is made, and the faults can script any other answer.
"""
