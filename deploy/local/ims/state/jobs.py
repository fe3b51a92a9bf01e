"""Jobs: IMS creates images asynchronously, and tells how far it is. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from deploy.local.ims.errors import ERRORS, Refused
from deploy.local.ims.state.images import Cloud, Image
from deploy.local.ims.state.settings import Settings

SEVERAL = "imsVolumesToSysDataImagesJob"
"""The type of a job that has a sub-job for each of its images."""
_PART = "imsCopyVolumeToImageJob"
_FAILURE = "IMG.0014"
"""What a job fails with. Which codes real jobs fail with is not published, so this one is inferred."""


def utc(moment: float) -> str:
    """Seconds since the epoch as jobs and events write them: RFC 3339 with milliseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Job:
    """The making of one image or, with the type SEVERAL, of several."""

    id: str
    type: str
    project_id: str
    begun_at: float
    """Seconds since the epoch."""
    images: list[Image]
    """At least one. Nobody knows of them before the job has succeeded."""
    settings: Settings
    """Those when it began; they decide whether it fails and which of its traces come when."""
    source: Image | None = None
    """The image that it copies."""
    delayed_trace: dict[str, Any] | None = None
    """The event of its first trace, where that of the second is to come before it."""
    ended_at: float | None = None


class Jobs:
    """All jobs. How long they take is `active_after`, also for those that have begun already."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._jobs: dict[str, Job] = {}
        self._running: list[Job] = []

    def add(self, job: Job) -> None:
        self._jobs[job.id] = job
        self._running.append(job)

    def find(self, job_id: str, project_id: str) -> Job:
        """Raises `Refused` for a job that this project does not have.

        The reference gives no code for that, so it is a setting.
        """
        job = self._jobs.get(job_id)
        if job is None or job.project_id != project_id:
            raise Refused.answering(self._cloud.settings.unknown_job)
        return job

    def finish_due(self) -> list[Job]:
        """End the jobs whose time has come, and give them; the images of those that succeed appear."""
        now = self._cloud.clock()
        due = [job for job in self._running if now >= self._end(job)]
        self._running = [job for job in self._running if now < self._end(job)]
        for job in due:
            job.ended_at = now
            if not job.settings.jobs_fail:
                self._cloud.images.update((image.id, image) for image in job.images)
        return due

    def next_end(self) -> float | None:
        """Seconds until another job ends, or None if none is left."""
        ends = map(self._end, self._running)
        return max(0.0, min(ends) - self._cloud.clock()) if self._running else None

    def _end(self, job: Job) -> float:
        return job.begun_at + self._cloud.settings.active_after

    def status(self, job: Job) -> str:
        """INIT for the first half of its time, RUNNING for the second."""
        if job.ended_at is not None:
            return "FAIL" if job.settings.jobs_fail else "SUCCESS"
        half = self._cloud.settings.active_after / 2
        return "INIT" if self._cloud.clock() - job.begun_at < half else "RUNNING"

    def answer(self, job: Job) -> dict[str, Any]:
        """A job as the page "Querying the Status of an Asynchronous Job" shows it.

        The page has samples of success alone: no end and no entities before it, and no entities of a
        failed job, are inferred.
        """
        status = self.status(job)
        failed = status == "FAIL"
        answer: dict[str, Any] = {
            "job_id": job.id,
            "job_type": job.type,
            "begin_time": utc(job.begun_at),
            "end_time": None if job.ended_at is None else utc(job.ended_at),
            "status": status,
            "error_code": _FAILURE if failed else None,
            "fail_reason": ERRORS[_FAILURE][1] if failed else None,
            "entities": {},
        }
        if status == "SUCCESS":
            answer["entities"] = _parts(job, answer) if job.type == SEVERAL else _entities(job.images[0])
        return answer


def _parts(job: Job, answer: dict[str, Any]) -> dict[str, Any]:
    """A sub-job for each image, of which only its id and its image are its own."""
    results = []
    for image in job.images:
        own_id = uuid5(UUID(job.id), image.id).hex
        results.append(answer | {"job_id": own_id, "job_type": _PART, "entities": _entities(image)})
    return {"sub_jobs_result": results, "sub_jobs_list": [result["job_id"] for result in results]}


def with_image_id_at(answer: dict[str, Any], *places: str) -> dict[str, Any]:
    """An answer about a job of one image with the id of its image at other places, such as "image_id"."""
    image_id = answer["entities"].get("image_id")
    if image_id is None:
        return answer
    entities = {name: value for name, value in answer["entities"].items() if name != "image_id"}
    moved = answer | {"entities": entities}
    for place in places:
        *parents, name = place.split(".")
        inner = moved
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[name] = image_id
    return moved


def _entities(image: Image) -> dict[str, Any]:
    return {"image_name": image.attributes["name"], "image_id": image.id}
