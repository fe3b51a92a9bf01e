"""The images of a project, page by page (IMS API reference, "Querying Images")."""

from collections.abc import Iterator

from handlers.commands.images.cloud import Get
from handlers.core.errors import ImageNotFound, RequestRejected, UnexpectedReply
from handlers.core.json_access import Json, as_list, object_or_empty, string

PAGE = 500
"""Images a page: the documented default. A maximum is not published."""

PUBLIC = "gold"


def own_images(get: Get, project_id: str) -> Iterator[Json]:
    """The project's own images that are active, oldest first, each once. Raises TagApiError.

    Images that the project shares are its own; public ones and those of others are not.
    """
    # By owner, because a filter by type would leave out the images that the project shares.
    first = {"owner": project_id, "limit": str(PAGE), "sort_key": "created_at", "sort_dir": "asc"}
    query, last, longest = first, "", 0
    seen, markers, refused = frozenset[str](), set[str](), set[str]()
    while True:
        try:
            answer = get("/v2/cloudimages", query)
        except (RequestRejected, ImageNotFound):
            # What the marker of a deleted image gives is not published. Glance refuses it.
            if "marker" not in query or not last:
                raise
            refused.add(query["marker"])
            markers = set(refused)  # the others may come again
            query = first | {"created_at": f"gte:{last}"}
            continue
        page = [image for image in map(object_or_empty, as_list(answer.get("images"))) if string(image, "id")]
        new = [image for image in page if image["id"] not in seen]
        yield from (image for image in new if _is_own(image, project_id))
        if not page:
            return
        marker = string(object_or_empty(answer.get("page_info")), "next_marker")
        # A service may give shorter pages than it is asked for. Only a page that is shorter than others is
        # the last.
        if not marker and len(page) >= longest:
            marker = page[-1]["id"]
        longest = max(longest, len(page))
        if marker == query.get("marker") and longest >= PAGE:
            raise UnexpectedReply("the list does not go on beyond its first page; check any proxy in between")
        if not marker or marker == query.get("marker"):
            return
        if marker in markers:
            raise UnexpectedReply("the list begins again and again; check any proxy in between")
        markers.add(marker)
        last = string(page[-1], "created_at") or ""
        # Where the marker fails, the list goes on with all images of this moment once more.
        before = seen if string(page[0], "created_at") == last else frozenset()
        seen = before | {image["id"] for image in page}
        query = {name: value for name, value in query.items() if name != "marker"} | {"marker": marker}


def _is_own(image: Json, project_id: str) -> bool:
    """A service that knows a filter less than the reference says would list more."""
    return (
        image.get("owner", project_id) == project_id
        and image.get("__imagetype") != PUBLIC
        and image.get("status", "active") == "active"
    )
