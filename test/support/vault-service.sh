#!/bin/sh
# A service manager of one Vault, as somebody might write it: vault-service.sh start|stop|status PROGRAM CONFIG LOG
running() { pgrep -x -f "$1 server -config=$2"; }

case "$1" in
start)
  running "$2" "$3" >/dev/null && exit 0
  exec setsid -f "$2" server "-config=$3" >>"$4" 2>&1 </dev/null
  ;;
stop)
  for pid in $(running "$2" "$3"); do kill "$pid"; done
  while running "$2" "$3" >/dev/null; do sleep 0.1; done
  ;;
status) running "$2" "$3" >/dev/null || exit 3 ;;
esac
