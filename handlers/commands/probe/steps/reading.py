"""The steps that read from the image service."""

from handlers.commands.files import UsageError
from handlers.commands.live_check import PROJECT_CODES
from handlers.commands.probe import recorded
from handlers.commands.probe.places import ELSEWHERE, places_of
from handlers.commands.probe.session import Session
from handlers.core.errors import UnexpectedReply
from handlers.core.ims.image import NO_IMAGE, tags_of
from handlers.core.ims.requests import image_call, job_call, tags_path
from handlers.core.json_access import Json, as_list, object_or_empty, string

NO_JOB = "0" * 32
STATUSES = {"INIT", "RUNNING", "SUCCESS", "FAIL"}
PROJECTS = 3
"""Projects in which the image is looked for."""
PAGE = 100
"""Images that are looked at: the newest."""


def identity(session: Session) -> None:
    """Whether the address and the credentials are right, and what an unknown image is answered with."""
    if session.image_id:
        _choose_project(session)
    answer = session.caller.ims(*image_call(NO_IMAGE))
    if answer.is_done or answer.error is UnexpectedReply:
        raise UsageError("what answers is no image service; check IMS_ENDPOINT and any proxy in between")
    if answer.is_denied and answer.code in PROJECT_CODES:
        raise UsageError(f"the credentials are not for the project {session.project_id}; check PROJECTS")
    if not session.observed.right("get", answer):
        session.observed.miss("no-right", "unknown_image_shown")
    elif answer.is_refusal:
        session.observed.add(unknown_image_shown=answer.refusal)


def _choose_project(session: Session) -> None:
    """The project of the image, where several are served."""
    first, *others = session.caller.projects[:PROJECTS]
    for project_id in (first, *others) if others else ():
        session.caller.project_id = project_id
        found = session.caller.ims(*image_call(session.image_id or ""))
        if found.is_done and found.body.get("owner", project_id) == project_id:
            return
    session.caller.project_id = first


def images(session: Session) -> None:
    """How images and their tags are listed."""
    owner = {"owner": session.project_id, "sort_key": "created_at", "sort_dir": "desc"}
    answer = session.caller.ims("GET", "/v2/cloudimages", query={**owner, "limit": str(PAGE)})
    if not session.observed.right("list", answer):
        session.observed.miss("no-right", "tag_separator", "page_info")
        return
    found = [each for each in as_list(answer.body.get("images")) if string(object_or_empty(each), "id")]
    session.images = [each for each in found if each.get("owner", session.project_id) == session.project_id]
    _separator(session)
    if len(session.images) > 1:
        page = session.caller.ims("GET", "/v2/cloudimages", query={**owner, "limit": "1"})
        if page.is_done:
            info = object_or_empty(page.body.get("page_info"))
            session.observed.add(page_info=string(info, "next_marker") is not None)
    elif answer.is_done:
        session.observed.miss("one-image", "page_info")


def _separator(session: Session) -> None:
    tagged = next((image for image in session.images if tags_of(image)), None)
    if tagged is None:
        session.observed.miss("no-tags", "tag_separator")
        return
    path = tags_path(session.project_id, tagged["id"])
    pairs = as_list(session.caller.ims("GET", path).body.get("tags"))
    if separator := separator_in(tags_of(tagged), [each for each in pairs if isinstance(each, dict)]):
        session.observed.add(tag_separator=separator)
    else:
        session.observed.miss("no-tags", "tag_separator")


def separator_in(texts: list[str], pairs: list[Json]) -> str | None:
    """What stands between key and value in the texts of these tags."""
    for pair in pairs:
        key, value = string(pair, "key"), string(pair, "value")
        for separator in "=.":
            if key and value and f"{key}{separator}{value}" in texts:
                return separator
    return None


def jobs(session: Session) -> None:
    """What an unknown job is answered with, and where the answer about a job has the id of its image."""
    unknown = session.caller.ims(*job_call(session.project_id, NO_JOB))
    if not session.observed.right("jobs", unknown):
        session.observed.miss("no-right", "unknown_job", "job_image_id")
        return
    if unknown.is_refusal:
        session.observed.add(unknown_job=unknown.refusal)
    pair = recorded.newest_creation(recorded.read(session.traces), session.ids)
    if pair is None:
        session.observed.miss("nothing-recorded", "job_image_id")
        return
    answer = session.caller.ims(*job_call(session.project_id, pair.second["response"]["job_id"]))
    if status := string(answer.body, "status"):
        session.observed.seen["job_status"] = status if status in STATUSES else ELSEWHERE
    places = places_of(answer.body, session.ids)
    session.observed.seen["job_image_id_places"] = places
    if len(places) == 1 and ELSEWHERE not in places:
        session.observed.add(job_image_id=places[0])
    session.observed.miss("not-shared" if places else "unclear", "job_image_id")
