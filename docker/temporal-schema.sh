#!/bin/sh
# Creates the databases of the Temporal server or brings them up to its version; repeatable. temporal-sql-tool takes
# SQL_PLUGIN, SQL_HOST, SQL_PORT and SQL_USER from the environment, too.
set -eu

SQL_PASSWORD=$(cat /run/secrets/temporal-database-password)
export SQL_PASSWORD
schemas=/etc/temporal/schema/postgresql/v12

for database in temporal temporal_visibility; do
  temporal-sql-tool --database "$database" create-database
  temporal-sql-tool --database "$database" setup-schema --version 0.0
done
temporal-sql-tool --database temporal update-schema --schema-dir "$schemas/temporal/versioned"
temporal-sql-tool --database temporal_visibility update-schema --schema-dir "$schemas/visibility/versioned"
