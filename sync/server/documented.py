"""Bodies that a route reads by `models.wire` and not by the framework, described for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter


def body_of(kind: type[Any], **sizes: int) -> dict[str, Any]:
    """What goes into the `openapi_extra` of a route whose body is a `kind`; `sizes` are the `maxItems` of its lists."""
    schema = TypeAdapter(kind).json_schema()
    whole = _inlined(schema, schema.pop("$defs", {}))
    for name, most in sizes.items():
        whole["properties"][name]["maxItems"] = most
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": whole}}}}


def _inlined(part: Any, definitions: dict[str, Any]) -> Any:
    """References would point to the document's root, where these definitions are not."""
    if isinstance(part, list):
        return [_inlined(each, definitions) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(each, definitions) for name, each in part.items()}
