#!/bin/sh
# Draws every secret of docker-compose.yml into a folder, secrets/ at the top unless another is named, and leaves what is
# there already. The venues' keys are the paper exchange's: for real ones put yours into the same files.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/../../secrets}
mkdir -p "$folder"
chmod 700 "$folder" # the files are readable for all below it: each container has a user of its own
cd "$folder"

draw() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
put() { # name: the file's content comes from stdin
    if [ ! -e "$1" ]; then
        cat >"$1.new"
        chmod 644 "$1.new"
        mv "$1.new" "$1"
    else
        cat >/dev/null
    fi
}
sha256() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }

for name in mysql_root_password mysql_password postgres_password grafana_password; do
    draw | put "$name"
done
printf 'mysql+asyncmy://kimp:%s@mysql:3306/kimp' "$(cat mysql_password)" | put database_url

# Put the one of your AppRole in here, where you use a Vault.
printf none | put vault_secret_id

# A user of Redis per kind of process; the server is told the hashes only.
for role in feeder initiator worker; do
    printf 'redis://%s:%s@redis:6379/0' "$role" "$(draw)" | put "redis_url_$role"
done
password_of() { sed 's|^redis://[a-z]*:\([0-9a-f]*\)@.*|\1|' "redis_url_$1"; }
sed -e "s/{feeder}/$(sha256 "$(password_of feeder)")/" \
    -e "s/{initiator}/$(sha256 "$(password_of initiator)")/" \
    -e "s/{worker}/$(sha256 "$(password_of worker)")/" "$here/../redis/users.acl" | put redis_users

# A key per venue and right, and the paper exchange's list of them.
for venue in upbit binance; do
    for right in read trade withdraw; do
        draw | put "${venue}_${right}_access_key"
        draw | put "${venue}_${right}_secret_key"
    done
    key() { # right, rights as JSON
        printf '{"access": "%s", "secret": "%s", "rights": %s}' \
            "$(cat "${venue}_$1_access_key")" "$(cat "${venue}_$1_secret_key")" "$2"
    }
    printf '[%s, %s, %s]' "$(key read '["read"]')" "$(key trade '["read", "trade"]')" \
        "$(key withdraw '["read", "withdraw"]')" | put "paper_${venue}_keys"
done
echo "secrets are in $(pwd)"
