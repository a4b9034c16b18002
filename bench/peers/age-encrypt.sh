#!/bin/sh
# AGE RECIPIENT FILE OUTPUT
exec "$1" -r "$2" -o "$4" "$3"
