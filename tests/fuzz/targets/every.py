"""All targets: whoever writes a parser of foreign bytes adds it to one of these modules."""

from fuzz.target import Target
from fuzz.targets import files, names, refusals, rest, servers, streams

TARGETS: tuple[Target, ...] = (
    *rest.TARGETS,
    *refusals.TARGETS,
    *streams.TARGETS,
    *files.TARGETS,
    *servers.TARGETS,
    *names.TARGETS,
)
