#!/bin/sh
# The page in the background; aria2 as the container's main process, so that it gets its signals.
set -e
busybox httpd -p 6880 -h /srv/www
exec aria2c --conf-path=/etc/aria2.conf
