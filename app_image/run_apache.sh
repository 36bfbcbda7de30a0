#!/bin/sh
set -e

# shellcheck source=/dev/null
. /etc/apache2/envvars

mkdir -p /var/run/apache2 /var/lock/apache2

# exec: Apache itself is process 1 and receives the stop signal.
exec /usr/sbin/apache2 -D FOREGROUND
