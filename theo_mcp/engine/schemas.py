"""A pydantic model as a JSON schema that the grammars of model servers take: without references and remarks."""

from __future__ import annotations

from pydantic import BaseModel, JsonValue


def schema_of(model: type[BaseModel]) -> dict[str, JsonValue]:
    """The schema of `model`, each reference replaced by what it names; a model that holds itself must not be asked."""
    whole = model.model_json_schema()
    defs = whole.pop("$defs", {})
    for fields in (whole, *defs.values()):  # what a tree of components holds is not asked of a model
        fields.get("properties", {}).pop("children", None)
    inlined = _inlined(whole, defs)
    assert isinstance(inlined, dict)
    return inlined


def _inlined(value: JsonValue, defs: dict[str, JsonValue]) -> JsonValue:
    if isinstance(value, list):
        return [_inlined(item, defs) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(reference := value.get("$ref"), str):
        return _inlined(defs[reference.rpartition("/")[2]], defs)
    remarks = ("title", "default", "description")  # which are also names of fields, and then hold an object
    kept = {name: item for name, item in value.items() if name not in remarks or isinstance(item, dict)}
    return {name: _inlined(item, defs) for name, item in kept.items()}
