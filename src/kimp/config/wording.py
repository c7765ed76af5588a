"""What is wrong with a value, for people who need not know what a tuple is."""

from pydantic_core import ErrorDetails

NO_TABLE, NO_WHOLE = "it is no table of settings", "it is no whole number"
NO_NUMBER = "it is no number like 0.006 or 2000000"
WORDS = {
    "extra_forbidden": "there is no such setting",
    "missing": "it is missing",
    "tuple_type": 'it is no list; write it like ["XRP","SOL"]',
    "dict_type": NO_TABLE,
    "model_type": NO_TABLE,
    "decimal_type": NO_NUMBER,
    "decimal_parsing": NO_NUMBER,
    "int_type": NO_WHOLE,
    "int_parsing": NO_WHOLE,
    "int_from_float": NO_WHOLE,
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "literal_error": "write {expected}",
    "too_short": "it is too short; make it at least {min_length} long",
    "union_tag_invalid": "its {discriminator} must be one of {expected_tags}",
    "union_tag_not_found": "it lacks {discriminator}",
}
"""pydantic's name of an error -> kimp's words, with what pydantic tells beside it, but never the value itself."""


def sentence(detail: ErrorDetails) -> str:
    """One problem, without its place."""
    if words := WORDS.get(detail["type"]):
        return words.format(**detail.get("ctx", {}))
    return detail["msg"].removeprefix("Value error, ").replace("Input should", "it should", 1)
