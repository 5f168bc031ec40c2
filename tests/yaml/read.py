"""Reads YAML as PyYAML does: a JSON list of texts comes in, a JSON list of what each says goes out."""

import json
import sys

import yaml


def texts_only(value):
    """Returns the value when all of its keys are texts: JSON would make texts of others."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is no text")
            texts_only(inner)
    for inner in value if isinstance(value, list) else []:
        texts_only(inner)
    return value


def said(text):
    """Returns what a text says, or why it could not be read."""
    try:
        return {"value": json.loads(json.dumps(texts_only(yaml.safe_load(text)), allow_nan=False))}
    except (yaml.YAMLError, TypeError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


json.dump([said(text) for text in json.load(sys.stdin)], sys.stdout)
