#!/bin/sh
set -e

# shellcheck source=/dev/null
. /etc/apache2/envvars

# The image has both; they are missing only where a file system is mounted over /run or /var/lock.
mkdir -p /var/run/apache2 /var/lock/apache2

# exec: Apache itself is process 1 and receives the stop signal.
exec /usr/sbin/apache2 -D FOREGROUND
