#!/bin/sh
# AGE IDENTITY-FILE FILE
exec "$1" -d -i "$2" -o /dev/null "$3"
