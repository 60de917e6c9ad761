#!/bin/sh
# Compiler launcher of the precompiled headers: compiles, never from the cache, and leaves OUTPUT.sum for ccache.
# A precompiled header names its own sources by absolute path, so one taken from the cache would point into another clone.
# ccache (CCACHE_PCH_EXTSUM) then goes by the .sum, which is the same in every clone: a digest of the preprocessed text and macros.
set -eu
case " $* " in
  *" -emit-pch "*) ;;
  *) exec "$@" ;;
esac
"$@"
compiler=$1
shift
output=""
count=$#
while [ "$count" -gt 0 ]; do
  word=$1
  shift
  count=$((count - 1))
  case $word in
    -o) output=$1; shift; count=$((count - 1)) ;;
    -MT | -MF) shift; count=$((count - 1)) ;;
    -MD | -c) ;;
    -Xclang)
      if [ "$1" = -emit-pch ]; then shift; count=$((count - 1)); else set -- "$@" "$word"; fi ;;
    *) set -- "$@" "$word" ;;
  esac
done
"$compiler" "$@" -E -dD -P -o "$output.text"
sha256sum < "$output.text" > "$output.sum"
rm -f "$output.text"
