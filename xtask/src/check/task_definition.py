"""Is the file what `aws ecs register-task-definition --cli-input-json` takes?"""

import json
import sys

from botocore import session, validate

shape = session.get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition").input_shape


def strays(value, shape, path):
    """What no enumeration has: botocore leaves those to the service."""
    if shape.type_name == "structure":
        for key, inner in value.items():
            yield from strays(inner, shape.members[key], f"{path}.{key}")
    elif shape.type_name == "list":
        for index, inner in enumerate(value):
            yield from strays(inner, shape.member, f"{path}[{index}]")
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of {', '.join(shape.enum)}"


with open(sys.argv[1]) as file:
    definition = json.load(file)
report = validate.ParamValidator().validate(definition, shape)
if report.has_errors():
    sys.exit(report.generate_report())
sys.exit("\n".join(strays(definition, shape, "task")) or 0)
