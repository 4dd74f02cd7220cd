#!/bin/sh
# A Python that notes each call of pip in $E2E_PIP_LOG, and refuses it when $E2E_NO_PIP is set.
case " $* " in
*" -m pip "*)
  echo "$*" >>"$E2E_PIP_LOG"
  if [ -n "$E2E_NO_PIP" ]; then
    echo "pip must not be started" >&2
    exit 9
  fi
  ;;
esac
exec python3 "$@"
