"""What IMS accepts as a tag, and how a value is mended to be one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from handlers.core.ims.limits import LIMITS, Limits, fault_of_key, fault_of_value, sanitize_value
from handlers.core.ims.tags import existing_value

# What the published variants allow: lengths of key and value, tags an image, characters beyond A-Za-z0-9_-.
PROFILES = {
    "common": (36, 43, 10, "", ""),
    "otc": (36, 43, 10, "", ""),
    "huawei": (36, 43, 10, "", "."),
    "huawei-cn-new": (128, 255, 20, " .:+@镜像", " .:/+@镜像"),
}
EVERYWHERE = "ABYZabyz0189_-"
NOWHERE = "*=<>\\,|?!\"'äß\t\n\r\x00\x7f\u00a0\u3000\u200b٣☃\U0001d7d8\ud800"
SOMEWHERE = " .:/+@镜像"

by_profile = pytest.mark.parametrize("name", PROFILES)

_profiles = st.sampled_from(list(LIMITS.values()))
_texts = st.text(st.characters()) | st.text(st.sampled_from(EVERYWHERE + SOMEWHERE + NOWHERE), max_size=300)


def test_every_profile_is_tested() -> None:
    """No profile stands outside these tests."""
    assert LIMITS.keys() == PROFILES.keys()


@by_profile
def test_lengths(name: str) -> None:
    """A key has 1 to its longest length of characters, a value may be empty."""
    limits, (key, value, tags, _, _) = LIMITS[name], PROFILES[name]
    assert limits.tags == tags
    assert fault_of_key("", limits) == "a key is empty"
    assert fault_of_value("", limits) == ""
    assert fault_of_key("k" * key, limits) == fault_of_value("v" * value, limits) == ""
    assert fault_of_key("k" * (key + 1), limits) == f"it has {key + 1} characters, {key} are allowed"
    assert fault_of_value("v" * (value + 1), limits) == f"it has {value + 1} characters, {value} are allowed"


@by_profile
def test_characters(name: str) -> None:
    """Each profile allows its characters and no others, and those that are in doubt are told apart."""
    limits, (_, _, _, in_keys, in_values) = LIMITS[name], PROFILES[name]
    for character in EVERYWHERE + SOMEWHERE + NOWHERE:
        text = f"a{character}b"
        assert (fault_of_key(text, limits) == "") == (character in EVERYWHERE + in_keys), ascii(character)
        assert (fault_of_value(text, limits) == "") == (character in EVERYWHERE + in_values), ascii(character)


FAULTS = {
    "a.b": "the character '.' is not allowed",
    "a b": "the character ' ' is not allowed",
    "ä": r"the character '\xe4' is not allowed",
    "a\n": r"the character '\n' is not allowed",
    "\ud800": r"the character '\ud800' is not allowed",
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.items(), ids=map(ascii, FAULTS))
def test_words_of_faults(text: str, fault: str) -> None:
    """A fault names the first character that is refused, in ASCII."""
    assert fault_of_key(text, LIMITS["common"]) == fault_of_value(text, LIMITS["common"]) == fault


@pytest.mark.parametrize("text", [" a", "a ", " ", "  "], ids=ascii)
def test_spaces_at_the_ends(text: str) -> None:
    """Where spaces are allowed, they are not at the ends."""
    limits = LIMITS["huawei-cn-new"]
    assert fault_of_key(text, limits) == fault_of_value(text, limits) == "it begins or ends with a space"


MENDED = [
    ("common", "", ""),
    ("common", "prod", "prod"),
    ("common", "Jane.Doe@example.com", "Jane_Doe_example_com"),
    ("common", "  a b  ", "a_b"),
    ("common", "\ta\n", "_a_"),
    ("common", "äöü", "___-bc329dbf"),
    ("common", "张伟", "__-a3a0bafd"),
    ("common", "李娜", "__-6e9c21fa"),
    ("common", "a٣", "a_-76e0f319"),
    ("common", "x" * 42 + "ü", "x" * 34 + "-d2b50178"),
    ("common", "☃ (v2)", "___v2_"),
    ("common", "\ud800", "_"),
    ("common", "   ", ""),
    ("common", "v" * 43, "v" * 43),
    ("common", "v" * 44, "v" * 34 + "-e1bb9b4c"),
    ("common", " " * 50 + "v", "v"),
    ("huawei", "1.2.3", "1.2.3"),
    ("huawei-cn-new", "镜像 a/b", "镜像 a/b"),
    ("huawei-cn-new", " \t ", "_"),
    ("huawei-cn-new", "镜像é", "镜像_-568e8e5b"),
]


@pytest.mark.parametrize(
    ("name", "value", "mended"), MENDED, ids=[ascii(value)[:30] for _, value, _ in MENDED]
)
def test_mended_values(name: str, value: str, mended: str) -> None:
    """Refused becomes "_", spaces at the ends go; what is cut or loses a letter or digit ends in a hash."""
    assert sanitize_value(value, LIMITS[name]) == mended


@given(value=_texts, limits=_profiles)
def test_a_mended_value_is_accepted(value: str, limits: Limits) -> None:
    """IMS accepts every mended value, and one that it accepts already stays as it is."""
    mended = sanitize_value(value, limits)
    assert fault_of_value(mended, limits) == ""
    assert sanitize_value(mended, limits) == mended
    if not fault_of_value(value, limits):
        assert mended == value


@given(
    start=st.text(max_size=40),
    end=st.text(max_size=5),
    values=st.tuples(_texts, _texts),
    limits=_profiles,
)
def test_two_long_values_stay_two(start: str, end: str, values: tuple[str, str], limits: Limits) -> None:
    """Values that differ anywhere stay different where they have to be cut."""
    padding = "x" * limits.value_length
    one, other = (start + padding + value + padding + end for value in values)
    assume(one != other)
    assert sanitize_value(one, limits) != sanitize_value(other, limits)


@given(values=st.tuples(_texts, _texts), limits=_profiles)
def test_letters_and_digits_tell_values_apart(values: tuple[str, str], limits: Limits) -> None:
    """Values that differ in letters or digits, of whatever alphabet, stay different."""
    one, other = values
    assume([*filter(str.isalnum, one)] != [*filter(str.isalnum, other)])
    assert sanitize_value(one, limits) != sanitize_value(other, limits)


@given(text=st.text(st.sampled_from(EVERYWHERE), min_size=1, max_size=50))
def test_what_is_common_is_accepted_everywhere(text: str) -> None:
    """What the profile "common" accepts, every other accepts."""
    for limits in LIMITS.values():
        if not fault_of_key(text, LIMITS["common"]):
            assert fault_of_key(text, limits) == ""
        if not fault_of_value(text, LIMITS["common"]):
            assert fault_of_value(text, limits) == ""


EXISTING: dict[str, tuple[list[str], str | None]] = {
    "no tags": ([], None),
    "another key": (["environment.prod", "en.v", "x.env"], None),
    "a dot": (["x.y", "env.prod"], "prod"),
    "an equals sign": (["env=prod"], "prod"),
    "several dots": (["env.a.b"], "a.b"),
    "dots behind the sign": (["env=a.b"], "a.b"),
    "no value": (["env"], ""),
    "an empty value": (["env."], ""),
    "an empty value behind the sign": (["env="], ""),
    "a key with a dot": (["env.x=prod"], None),
}


@pytest.mark.parametrize(("existing", "value"), EXISTING.values(), ids=EXISTING)
def test_existing_values(existing: list[str], value: str | None) -> None:
    """A tag of an image is found in both forms in which image objects list it."""
    assert existing_value(existing, "env") == value


@pytest.mark.parametrize("key", ["cost.center", "cost"])
@pytest.mark.parametrize("form", ["{}.42", "{}=42", "{}"])
def test_existing_values_of_keys_with_dots(key: str, form: str) -> None:
    """A key is found whole, dots included."""
    assert existing_value(["costs.7", form.format(key)], key) == ("42" if "42" in form else "")


def test_dots_that_may_be_of_key_or_value() -> None:
    """With dots, a text is taken for every key that it can be of, and with an equals sign for one."""
    for key, value in {"cost": "center.42", "cost.center": "42"}.items():
        assert existing_value(["cost.center.42"], key) == value
    assert existing_value(["cost.center=42"], "cost") is None
