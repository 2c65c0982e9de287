/** What every bash of a recording reads first. `__dynamo_order` orders calls by the shells that made them, not by time; `__dynamo_at` is line and file. */
export const PRELUDE = `# Read by every bash of the recording (BASH_ENV): says which line a command came from, and makes waiting take no time.
shopt -u expand_aliases
__dynamo_room='@ROOM@' __dynamo_records='@RECORDS@'
__dynamo_mark() {
  [[ $2 == "$__dynamo_room"/* ]] && return 0
  [[ \${!:-} == "\${__dynamo_last:-}" ]] || __dynamo_settle
  if [[ $BASHPID != "\${__dynamo_shell:-}" ]]; then
    __dynamo_shell=$BASHPID
    __dynamo_prefix=\${__dynamo_order:-0}.$BASHPID.
    __dynamo_count=0
  fi
  __dynamo_count=$((__dynamo_count + 1))
  RANDOM=$(((RANDOM * 8121 + 28411) % 32768))
  export __dynamo_order=$__dynamo_prefix$__dynamo_count
  # The text of \`bash -c\` has no file: its commands stand where it was called.
  [[ -n $2 ]] && export __dynamo_at=$1:$2
  return 0
}
# A call in the background has written itself down, and read its files, before the next command may remove them.
__dynamo_settle() {
  local round stat
  __dynamo_last=$!
  for ((round = 0; round < 400; round++)); do
    { IFS= read -r stat <"/proc/$!/stat"; } 2>/dev/null || break
    [[ \${stat##*) } == Z* ]] && break
    # A subshell may go on for long; a stand-in ends once it has written, however busy the machine is.
    [[ $stat == *'(bash)'* ]] && ((round >= 40)) && break
    read -r -t 0.005 -u 250 || :
  done
  return 0
}
__dynamo_event() { printf '%s\\t%s\\t%s\\t%s\\n' "$1" "$__dynamo_order" "$__dynamo_at" "$2" >>"$__dynamo_records/events"; }
# A loop that only waits, with nothing more started, is how a script stays alive: it ends here.
__dynamo_idle() {
  local calls=("$__dynamo_records"/*.call)
  if [[ \${#calls[@]} != "\${__dynamo_calls:-}" ]]; then
    __dynamo_calls=\${#calls[@]} __dynamo_waits=0 __dynamo_waited=0
  fi
  __dynamo_waits=$((__dynamo_waits + 1)) __dynamo_waited=$((__dynamo_waited + $1))
  if ((__dynamo_waits > 400 || __dynamo_waited > 14400)); then
    __dynamo_event idle "$__dynamo_waited"
    builtin exit 0
  fi
  return 0
}
sleep() {
  local part number total=0 unit
  for part in "$@"; do
    unit=1
    case $part in
      inf | infinity) total=99999999; continue ;;
      *m) unit=60 ;;
      *h) unit=3600 ;;
      *d) unit=86400 ;;
    esac
    number=\${part%[smhd]}
    number=\${number%%.*}
    [[ $number =~ ^[0-9]{1,9}$ ]] && total=$((total + 10#$number * unit))
  done
  SECONDS=$((SECONDS + (total > 0 ? total : 1)))
  __dynamo_event sleep "$total"
  __dynamo_idle "$total"
}
wait() {
  local part next= pids=
  for part in "$@"; do
    if [[ -n $next ]]; then printf -v "$part" '%s' "\${!:-}"; next=; continue; fi
    case $part in -p) next=1 ;; -n) pids=any ;; -*) ;; *) pids+="\${pids:+ }$part" ;; esac
  done
  __dynamo_event wait "$pids"
  __dynamo_idle 1
}
kill() { return 0; }
disown() { return 0; }
jobs() {
  [[ -n \${!:-} ]] || return 0
  case " $* " in *' -p '*) printf '%s\\n' "$!" ;; *) printf '[1]+  %s Running                 started &\\n' "$!" ;; esac
}
ulimit() { case \${*: -1} in -[a-zA-Z]) echo 1048576 ;; esac; return 0; }
date() {
  case " $* " in
    *' -d'* | *' --date'* | *' -r'* | *' --reference'*) command date "$@" ;;
    *) TZ=UTC0 command date -d "@$((1767225600 + SECONDS))" "$@" ;;
  esac
}
command_not_found_handle() { "$__dynamo_room/lib/stand-in" "$@"; }
# As a plain variable it takes a new value with each command and the same ones in every recording.
unset RANDOM
RANDOM=1
# What set -x says would be of the recording as much as of the script.
exec 251>/dev/null
BASH_XTRACEFD=251
set -o functrace
trap '__dynamo_mark "$LINENO" "\${BASH_SOURCE[0]:-}"' DEBUG
`;
