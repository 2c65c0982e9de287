/** The one program behind the name of every program that the room does not let run. `@NAME@` is filled in by make-room.ts; needs bash 4.4. */
export const STAND_IN = `#!@BASH@ -p
# Stands for every program that the room does not let run: writes its own call down and answers as if it had succeeded.
room='@ROOM@' tree='@TREE@' records='@RECORDS@' cp='@CP@' python='@PYTHON@'
if [[ \${0##*/} == stand-in ]]; then set -- "$@"; else set -- "$0" "$@"; fi
name=\${1##*/}
# Where PATH leads to this very file, the script wrote the bare name.
entries=()
if [[ \${PATH@a} == *x* ]]; then IFS=: read -r -a entries <<<"$PATH"; else set -- "$name" "\${@:2}"; fi
for entry in "\${entries[@]}"; do
  [[ -x $entry/$name ]] || continue
  [[ $entry/$name == "$1" ]] && set -- "$name" "\${@:2}"
  break
done

# \`in_value\`: the output is caught by $(…): a shell above holds the reading end of the pipe that is our output. While a shell
# starts a pipeline it holds that end as well, for a moment: asked again before it counts.
in_value() {
  [[ -p /proc/self/fd/1 && ! /proc/self/fd/0 -ef /dev/null ]] || return 1
  local pause stat fields
  # Started in the background (SIGINT ignored), the pipe is that of a pipeline.
  IFS= read -r stat </proc/$$/stat
  fields=(\${stat##*) })
  ((fields[30] & 2)) && return 1
  for pause in 0 0.01 0.03 0.06; do
    [[ $pause == 0 ]] || read -r -t "$pause" -u 250
    output_is_held || return 1
  done
  return 0
}
output_is_held() {
  local pid=$PPID fd stat fields
  while [[ $pid -gt 1 && -r /proc/$pid/stat ]]; do
    for fd in /proc/"$pid"/fd/*; do
      [[ \${fd##*/} -gt 2 && $fd -ef /proc/self/fd/1 ]] && return 0
    done
    IFS= read -r stat <"/proc/$pid/stat" || break
    fields=(\${stat##*) })
    pid=\${fields[1]}
  done
  return 1
}

# record KIND ARGV…: one file of NUL-terminated fields, the environment last.
record() {
  local kind=$1 chain= pid=$$ stat fields env=() word path copies=() number=0 inside file
  shift
  while [[ $pid -gt 1 && -r /proc/$pid/stat ]]; do
    IFS= read -r stat <"/proc/$pid/stat" || break
    chain+=$pid' '\${stat##*) }$'\\n'
    fields=(\${stat##*) })
    pid=\${fields[1]}
  done
  local input=other
  [[ /proc/self/fd/0 -ef /dev/null ]] && input=null
  mapfile -t -d '' env </proc/$$/environ
  for word in "\${@:2}" "\${env[@]}"; do
    case $word in _=* | BASH_ENV=* | PWD=* | OLDPWD=* | HOME=* | TMPDIR=*) continue ;; esac
    for path in "$word" "\${word#*=}" "\${word##*@}"; do
      [[ -n $path && $path != "$room"/* && -e $path && $path -nt $room/lib/start ]] || continue
      case $path in /proc/* | /dev/* | /tmp | /tmp/ | / | "\${HOME%/}" | "\${HOME%/}"/) continue ;; esac
      [[ $path == /* ]] || path=$PWD/$path
      # A directory that the script made is handed over with the files in it.
      if [[ -d $path ]]; then inside=("\${path%/}"/*); else inside=("$path"); fi
      for file in "\${inside[@]:0:32}"; do
        [[ -f $file && $file -nt $room/lib/start ]] || continue
        number=$((number + 1))
        "$cp" -- "$file" "$records/$$.file.$number" 2>/dev/null && copies+=("$file")
      done
      break
    done
  done
  {
    printf '%s\\0' "$kind" "$__dynamo_order" "$__dynamo_at" "$PWD" "$input" "$chain" "\${#copies[@]}" "\${copies[@]}" "$#" "$@" "\${env[@]}"
  } >"$records/$$.call"
}

# Every model that a call so far named: what a list of models would hold.
known_models() {
  local file words word take= ids=
  for file in "$records"/*.call; do
    [[ -f $file ]] || continue
    mapfile -t -d '' words <"$file"
    for word in "\${words[@]}"; do
      [[ -n $take && $word != -* ]] && ids+="{\\"id\\":\\"$word\\",\\"object\\":\\"model\\"},"
      take=
      case $word in
        --model | --model-path | --model-name | --served-model-name) take=1 ;;
        --model=* | --model-path=* | --model-name=* | --served-model-name=*) ids+="{\\"id\\":\\"\${word#*=}\\",\\"object\\":\\"model\\"}," ;;
      esac
    done
  done
  printf '%s' "\${ids%,}"
}

# An HTTP client: everything asked answers 200 and is ready.
answer_http() {
  local out= format= body
  while (($#)); do
    case $1 in
      -o | --output | -O?* ) out=\${2-}; shift ;;
      -w | --write-out) format=\${2-}; shift ;;
      --*=* | --fail | --silent | --show-error | --head | --insecure | --location | --no-buffer | --compressed | --spider | --quiet) ;;
      --request | --header | --data* | --json | --max-time | --connect-timeout | --retry* | --user | --form | --url | --noproxy | --timeout | --tries) shift ;;
      --*) ;;
      -[XHdmuAFTKEe]) shift ;;
      -*o) out=\${2-}; shift ;;
      -*w) format=\${2-}; shift ;;
      -*[XHdm]) shift ;;
    esac
    shift
  done
  body="{\\"status\\":\\"ready\\",\\"state\\":\\"healthy\\",\\"health\\":\\"true\\",\\"message\\":\\"ok\\",\\"object\\":\\"list\\",\\"data\\":[$(known_models)],\\"instances\\":[{\\"endpoint\\":\\"generate\\"}],\\"choices\\":[{\\"message\\":{\\"content\\":\\"ok\\"},\\"text\\":\\"ok\\"}]}"
  if [[ -z $out ]]; then printf '%s\\n' "$body"
  elif [[ $out != - && $out != /dev/null ]]; then printf '%s\\n' "$body" >"$out"
  fi
  format=\${format//'%{http_code}'/200}
  format=\${format//'%{response_code}'/200}
  [[ -n $format ]] && printf '%b' "$format"
  return 0
}

answer_nvidia_smi() {
  local index line columns column format=
  case " $* " in
    *' -L '* | *' --list-gpus '*)
      for index in 0 1 2 3 4 5 6 7; do printf 'GPU %s: NVIDIA H100 80GB HBM3 (UUID: GPU-00000000-0000-0000-0000-00000000000%s)\\n' "$index" "$index"; done
      return ;;
  esac
  for line in "$@"; do
    case $line in
      --query-gpu=*) columns=\${line#*=} ;;
      --format=*) format=\${line#*=} ;;
    esac
  done
  [[ -n \${columns-} ]] || return 0
  [[ $format == *noheader* ]] || printf '%s\\n' "$columns"
  for index in 0 1 2 3 4 5 6 7; do
    line=
    for column in \${columns//,/ }; do
      case $column in
        index | *.used | utilization.*) [[ $column == index ]] && column=$index || column=0 ;;
        name | gpu_name) column='NVIDIA H100 80GB HBM3' ;;
        uuid | gpu_uuid) column=GPU-00000000-0000-0000-0000-00000000000$index ;;
        memory.*) column=81559 ;;
        count) column=8 ;;
        compute_cap) column=9.0 ;;
        driver_version) column=570.00 ;;
        *) column=0 ;;
      esac
      line+="\${line:+, }$column"
    done
    printf '%s\\n' "$line"
  done
}

# mktemp with names that count up instead of random ones, so that two recordings are equal.
answer_mktemp() {
  local directory= dry= parent= suffix= template= number=0 filled
  while (($#)); do
    case $1 in
      -d | --directory) directory=1 ;;
      -u | --dry-run) dry=1 ;;
      -p) parent=$2; shift ;;
      --tmpdir=*) parent=\${1#*=} ;;
      --tmpdir | -t) parent=\${TMPDIR:-/tmp} ;;
      --suffix=*) suffix=\${1#*=} ;;
      --suffix) suffix=$2; shift ;;
      -dt | -td) directory=1 parent=\${TMPDIR:-/tmp} ;;
      -*) ;;
      *) template=$1 ;;
    esac
    shift
  done
  [[ -z $template ]] && template=tmp.XXXXXX parent=\${parent:-\${TMPDIR:-/tmp}}
  [[ -n $parent ]] && template=$parent/$template
  while :; do
    number=$((number + 1))
    filled=$template
    [[ $filled =~ ^(.*[^X]|)(XXX+)([^X]*)$ ]] && printf -v filled '%s%0*d%s' "\${BASH_REMATCH[1]}" "\${#BASH_REMATCH[2]}" "$number" "\${BASH_REMATCH[3]}"
    filled+=$suffix
    [[ -e $filled ]] && continue
    if [[ -n $dry ]]; then :
    elif [[ -n $directory ]]; then "@MKDIR@" -m 700 -- "$filled" || return 1
    else : >"$filled" || return 1
    fi
    printf '%s\\n' "$filled"
    return 0
  done
}

# env, keeping what leads from a call back to its line even under \`env -i\`.
run_env() {
  local options=() path=()
  while (($#)); do
    case $1 in
      -u | -C | -S | --unset | --chdir | --split-string) options+=("$1" "\${2-}"); shift ;;
      -*)
        options+=("$1")
        # An empty environment must not lead to the programs behind the stand-ins.
        [[ $1 == - || $1 == -*i* || $1 == --ignore-environment ]] && path=("PATH=$PATH") ;;
      *) break ;;
    esac
    shift
  done
  exec "@ENV@" "\${options[@]}" "\${path[@]}" "__dynamo_order=$__dynamo_order" "__dynamo_at=$__dynamo_at" \${BASH_ENV:+"BASH_ENV=$BASH_ENV"} "$@"
}

# Where nothing confines the script, programs that write act in the private directory of the recording alone; elsewhere they do nothing.
run_writing() {
  local word path directory private=\${room%/room} inside=yes
  for word in "$@"; do
    [[ $word == -* ]] && continue
    [[ $word == /* ]] && path=$word || path=$PWD/$word
    [[ $path == "$private"/* && $path != */../* ]] || inside=no
  done
  [[ $name == tee && $inside == no ]] && exec "@CAT@"
  for directory in /usr/bin /bin; do
    [[ $inside == yes && -x $directory/$name ]] && exec "$directory/$name" "$@"
  done
  exit 0
}

# What a terminal multiplexer runs goes on beside the script: a shell has the words of a new pane, or those that are typed into one.
run_in_pane() {
  local verb= typed= words=()
  while [[ \${1-} == -* ]]; do case $1 in -[LSfcT]) shift ;; esac; shift; done
  verb=\${1-}
  shift
  case $verb in
    new | new-session | neww | new-window | splitw | split-window | respawnp | respawn-pane | respawnw | respawn-window)
      while [[ \${1-} == -* ]]; do
        [[ $1 == -- ]] && { shift; break; }
        case $1 in -*[cefFnstxylp]) shift ;; esac
        shift
      done
      run_beside "$@" ;;
    send | send-keys)
      while [[ \${1-} == -* ]]; do case $1 in -*[tN]) shift ;; esac; shift; done
      for typed in "$@"; do
        case $typed in Enter | KPEnter | [CMS]-? | Space | Escape | Tab | BSpace) ;; *) words+=("$typed") ;; esac
      done
      run_beside "\${words[@]}" ;;
  esac
}
run_in_screen() {
  while [[ \${1-} == -* ]]; do case $1 in -*[SctTsehp]) shift ;; esac; shift; done
  (($#)) && run_beside "\${@@Q}"
}
run_beside() {
  (($#)) || return 0
  bash -c "$*" </dev/null &
  builtin wait "$!"
}

# Inline Python computes a value: run where the room has an interpreter and locks it in, else empty. A missing package is no failure.
inline_python() {
  local status=0
  if [[ -n $python ]]; then
    "$python" -I "$room/lib/inline.py" "$__dynamo_order" "$@" || status=$?
  else
    status=97
  fi
  if ((status == 97)); then record inline-failed "$name" "$1"; exit 0; fi
  record inline "$name" "$1"
  exit "$status"
}

case $name in
  mkdir | rmdir | rm | cp | mv | ln | tee | touch | chmod | install | truncate | mkfifo | dd | tar | split) run_writing "\${@:2}" ;;
  env) run_env "\${@:2}" ;;
  mktemp) answer_mktemp "\${@:2}"; exit ;;
  python | python3 | python3.* | pypy*)
    case \${2-} in
      --version | -V) echo 'Python 3.12.3' ;;
      -c) inline_python "\${@:2}" ;;
      -) inline_python "\${@:2}" ;;
      '') inline_python - ;;
      -m)
        case \${3-} in
          pip | venv | ensurepip | site) record setup "$@" ;;
          *) if in_value; then record value "$@"; else record launch "$@"; fi ;;
        esac ;;
      *) if in_value; then record value "$@"; else record launch "$@"; fi ;;
    esac ;;
  curl | wget) record poll "$@"; answer_http "\${@:2}" ;;
  nc | ncat | etcdctl | nats | grpcurl | grpc_health_probe | redis-cli) record poll "$@" ;;
  nvidia-smi | rocm-smi | xpu-smi | hl-smi) record query "$@"; answer_nvidia_smi "\${@:2}" ;;
  hostname)
    record query "$@"
    case \${2-} in -I | -i | --ip-address | --all-ip-addresses) echo 127.0.0.1 ;; *) echo localhost ;; esac ;;
  ip) record query "$@"; echo '1.0.0.0 via 127.0.0.1 dev lo src 127.0.0.1 uid 1000' ;;
  ifconfig) echo 'lo: inet 127.0.0.1 netmask 255.0.0.0' ;;
  nproc) echo 16 ;;
  whoami | logname) echo dynamo ;;
  id) case \${2-} in -un | -gn | -Gn) echo dynamo ;; -*) echo 1000 ;; *) echo 'uid=1000(dynamo) gid=1000(dynamo) groups=1000(dynamo)' ;; esac ;;
  groups) echo dynamo ;;
  uuidgen) echo 00000000-0000-4000-8000-000000000000 ;;
  which)
    status=0
    for word in "\${@:2}"; do [[ $word == -* ]] || type -P -- "$word" || status=1; done
    exit "$status" ;;
  git)
    case " $* " in *' rev-parse '*--show-toplevel*) printf '%s\\n' "$tree" ;; *) record setup "$@" ;; esac ;;
  pgrep | pidof | lsof | ss | netstat | fuser) exit 1 ;;
  ps | tput | clear | reset | stty | tty | kill | pkill | killall | sleep | sync | chown | chgrp | renice | free | df | lspci | lscpu | uptime | who | sysctl | modprobe | getent) ;;
  sudo)
    shift
    while [[ \${1-} == -* || \${1-} == *=* ]]; do [[ $1 == *=* ]] && export "$1"; shift; done
    (($#)) && exec "$@" ;;
  conda | mamba | micromamba)
    [[ \${2-} == run ]] || { record setup "$@"; exit 0; }
    shift 2
    # The image has the packages of the environment where they belong (options: docs.conda.io, "conda run").
    while [[ \${1-} == -* ]]; do case $1 in -n | -p | -e | --name | --prefix | --env | --cwd) shift ;; esac; shift; done
    (($#)) && exec "$@" ;;
  tmux) run_in_pane "\${@:2}" ;;
  screen) run_in_screen "\${@:2}" ;;
  pip | pip3 | apt | apt-get | apk | yum | dnf | hf | huggingface-cli | aws | mc | mount | umount | systemctl | service | ufw | iptables | kubectl | helm | make | cmake | cargo | rustup | maturin) record setup "$@" ;;
  uv) case \${2-} in run) record launch "$@" ;; --version) echo 'uv 0.9.0' ;; *) record setup "$@" ;; esac ;;
  docker | podman)
    case " $* " in
      *' run '* | *' compose '*' up '* | *' start '*) record launch "$@"; echo 0000000000000000000000000000000000000000000000000000000000000000 ;;
      *) record setup "$@" ;;
    esac ;;
  *) if in_value; then record value "$@"; else record launch "$@"; fi ;;
esac
exit 0
`;
