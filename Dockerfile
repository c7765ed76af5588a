# syntax=docker/dockerfile:1
FROM ghcr.io/astral-sh/uv:0.13.9 AS uv

FROM python:3.11.14-slim-bookworm AS build
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/kimp UV_CACHE_DIR=/uv-cache
WORKDIR /source
# The packages first: they change seldom, the sources often.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/uv-cache \
    uv sync --locked --no-default-groups --extra aws --extra vault --no-install-project
COPY README.md LICENSE ./
COPY src src
COPY workflows workflows
COPY activities activities
COPY feeder feeder
COPY initiator initiator
RUN --mount=type=cache,target=/uv-cache \
    uv sync --locked --no-default-groups --extra aws --extra vault --no-editable

FROM python:3.11.14-slim-bookworm
COPY --from=build /opt/kimp /opt/kimp
ENV PATH=/opt/kimp/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number without a name: nothing in the image belongs to it, and nothing has to.
USER 10001:10001
WORKDIR /etc/kimp
ENTRYPOINT ["kimp"]
CMD ["--help"]
