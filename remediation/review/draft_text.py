"""A draft as the text that people read, compare and edit: YAML, block style, in the order of the schema. Pure."""

from __future__ import annotations

from typing import Any

import yaml

from portal.kit.refusals import Refused, because
from remediation.drafting import schema

MOST_CHARACTERS = 200_000
WIDTH = 100


class _Dumper(yaml.SafeDumper):
    """Multi-line strings as blocks, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """Every value is written where it stands."""
        return True


def text_of(draft: schema.Draft) -> str:
    """The draft as YAML; reading it back gives the same draft."""
    data = draft.model_dump(mode="json")
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


def data_of(text: str) -> dict[str, Any]:
    """The plain data behind edited text; Refused with the line where it does not read as YAML."""
    if len(text) > MOST_CHARACTERS:
        raise Refused(because("too_long", f"A draft has at most {MOST_CHARACTERS:,} characters.", "draft"))
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise Refused(because("alias", "Write every value out: anchors and aliases are not read.", "draft"))
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise Refused(because("yaml", f"{place}{error.problem or 'this is not YAML'}.", "draft")) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Refused(because("yaml", f"This is not YAML: {error}.", "draft")) from error
    if not isinstance(data, dict):
        raise Refused(because("yaml", "A draft is a mapping that begins with summary.", "draft"))
    return data
