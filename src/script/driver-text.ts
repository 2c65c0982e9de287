/** The first process of a room. Its output is `ready`, then `wc -c` of the record files, then the files. */
export const DRIVER = `# First process of the room: runs the script, ends what outlives it or passes a limit, then hands the records out.
room='@ROOM@' records='@RECORDS@'
printf 'ready\\n'
# Job control: without it bash would start the script with SIGINT ignored, the mark of a background job.
set -m
# Nothing ever comes out of it: what reads from it pauses without a process of its own.
exec 250<> <(:)
pause() { read -r -t "$1" -u 250; return 0; }
@RUN@ <"$room/lib/stdin" >"$room/out/output" 2>&1 &
main=$!
printf '%s' "$main" >"$records/main"
clock() {
  now=\${EPOCHREALTIME:-$SECONDS.000000}
  now=$((10#\${now%[.,]*} * 1000 + 10#\${now#*[.,]} / 1000))
}
# Counts what is in the room; the memory of all of it in pages.
census() {
  local file rest
  count=0 pages=0
  for file in /proc/[0-9]*/statm; do
    { read -r _ resident rest <"$file"; } 2>/dev/null || continue
    count=$((count + 1)) pages=$((pages + resident))
  done
}
if [[ '@CONFINED@' == yes ]]; then
  (
    clock
    full=0 end=$((now + @WALL@))
    # By the clock: on a busy machine a round takes much longer than its pause.
    while ((now < end)); do
      pause 0.05
      clock
      census
      ((count >= @PROCESSES@ * 3 / 4)) && full=$((full + 1)) || full=0
      ((full >= 3)) && { printf 'processes' >"$records/limit"; kill -9 -1; }
      ((pages > @PAGES@)) && { printf 'memory' >"$records/limit"; kill -9 -1; }
    done
    # Where so many run that a look at them takes all the time, they are what it is ended for.
    ((full > 0)) && limit=processes || limit=time
    printf '%s' "$limit" >"$records/limit"
    kill -9 -1
  ) </dev/null >/dev/null 2>&1 &
  watch=$!
  wait "$main"
  status=$?
  # What the script left in the background may still be writing itself down.
  census
  for ((round = 0; round < 100 && count > @OWN@; round++)); do pause 0.005; census; done
  # Hundreds of them did not come from the lines of a script.
  ((count > @PROCESSES@ / 2)) && printf 'processes' >"$records/limit"
  kill -9 "$watch" -1 2>/dev/null
else
  wait "$main"
  status=$?
  pause 0.2
fi
printf '%s' "$status" >"$records/status"
cd "$records" || exit 1
[[ -f $room/out/output && ! -L $room/out/output ]] && @TAIL@ -c 65536 -- "$room/out/output" >output
shopt -s nullglob
files=(status main limit events output [0-9]*.call [0-9]*.file.*)
present=()
for file in "\${files[@]}"; do [[ -f $file && ! -L $file ]] && present+=("$file"); done
@WC@ -c -- "\${present[@]}" /dev/null
@CAT@ -- "\${present[@]}"
`;
