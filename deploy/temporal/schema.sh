#!/bin/sh
# Makes Temporal's two databases, or brings their tables up to date; may be run again at any time, before each new server
# version. Needs `temporal-sql-tool` on PATH, or its file in SQL_TOOL, and SQL_HOST, SQL_PORT, SQL_USER and
# SQL_PASSWORD_FILE of a PostgreSQL user who may create databases.
set -eu
tool=${SQL_TOOL:-temporal-sql-tool}
SQL_PLUGIN=postgres12
SQL_PASSWORD=$(cat "$SQL_PASSWORD_FILE")
export SQL_PLUGIN SQL_PASSWORD

prepare() { # database, schema
    "$tool" --database "$1" create-database
    "$tool" --database "$1" setup-schema --version 0.0
    "$tool" --database "$1" update-schema --schema-name "postgresql/v12/$2"
}
prepare temporal temporal
prepare temporal_visibility visibility
