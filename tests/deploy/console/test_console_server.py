"""The console's server: who may speak to it, and what it keeps."""

import re
from pathlib import Path

import pytest
import requests

from tests.processes.local_stack import LocalStack, local_stack

POSTS = [
    "/send",
    "/events/1/send",
    "/images/create",
    "/faults/quota",
    "/function/pause",
    "/rules/try",
    "/rules/save",
    "/dead-letters/redrive",
]


def token_of(stack: LocalStack) -> str:
    found = re.search('name="token" content="([^"]+)"', requests.get(stack.url, timeout=10).text)
    assert found
    return found[1]


@pytest.mark.parametrize("path", POSTS)
def test_posts_are_ours(stack: LocalStack, path: str) -> None:
    """A POST needs the console's own origin and the token of the session; each alone is refused."""
    own, token = {"Origin": stack.url}, {"X-Console-Token": token_of(stack)}
    for headers in (
        {},
        own,
        token,
        {**token, "Origin": "http://evil.example"},
        {**own, "X-Console-Token": "x"},
    ):
        reply = requests.post(stack.url + path, json={}, headers=headers, timeout=10)
        assert reply.status_code == 403
        assert reply.json() == {"error": "This page is of another session of the console; load it again."}
    assert "function is killed" not in stack.output


@pytest.mark.parametrize("path", ["/", "/stream", "/static/console.js"])
def test_other_names(stack: LocalStack, path: str) -> None:
    """A name of somebody else that leads to the loopback gets nothing."""
    reply = requests.get(stack.url + path, headers={"Host": "evil.example:8090"}, timeout=10)
    assert reply.status_code == 421
    assert reply.text == f"The console is at {stack.url}.\n"


@pytest.mark.parametrize("path", ["/", "/static/console.js", "/nowhere", "/events/999999", "/images/x"])
def test_policy(stack: LocalStack, path: str) -> None:
    """Every answer, also of a fault, allows no script and no style but the console's own files."""
    headers = requests.get(stack.url + path, timeout=10).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_loopback_alone(stack: LocalStack) -> None:
    """It listens on the loopback alone."""
    port = int(stack.url.rpartition(":")[2])
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = {each[1] for each in listening if each[1].endswith(f":{port:04X}") and each[3] == "0A"}
    assert ours == {f"0100007F:{port:04X}"}


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"[" * 100_000, b'{"text": 1}'])
def test_nonsense(stack: LocalStack, content: bytes) -> None:
    """What makes no sense is a sentence, not a fault of the console."""
    headers = {"Origin": stack.url, "X-Console-Token": token_of(stack), "Content-Type": "application/json"}
    for path in ("/send", "/rules/save", "/faults/quota", "/dead-letters/redrive"):
        reply = requests.post(stack.url + path, data=content, headers=headers, timeout=30)
        assert reply.status_code in {400, 409, 502}, path
        assert reply.json()["error"]
    assert "Traceback" not in stack.output


def test_no_secret(stack: LocalStack) -> None:
    """No page holds the token of the emulated API."""
    stack.create("looked-at")
    for path in ("/", "/events/1", "/try", "/rules", "/images", "/dead-letters"):
        assert stack.token not in requests.get(stack.url + path, timeout=20).text


def test_saved_table_is_kept(tmp_path: Path) -> None:
    """A copy of the shipped table that was changed in the console stays, and the stack says where."""
    with local_stack(tmp_path) as stack:
        headers = {"Origin": stack.url, "X-Console-Token": token_of(stack)}
        digest = re.search('data-digest="([0-9a-f]+)"', requests.get(f"{stack.url}/rules", timeout=10).text)
        assert digest
        content = {"text": '[[rule]]\ntags.mine = "1"\n', "digest": digest[1]}
        reply = requests.post(f"{stack.url}/rules/save", json=content, headers=headers, timeout=20)
        assert reply.json()["message"] == "Saved. The function uses it: 1 rules."
    kept = re.search(r"^The rules table that you saved is (\S+)$", stack.output, re.MULTILINE)
    assert kept
    assert Path(kept[1]).read_text() == content["text"]
    [folder] = [each for each in tmp_path.iterdir() if each.is_dir()]
    assert [each.name for each in folder.iterdir()] == ["rules"]
