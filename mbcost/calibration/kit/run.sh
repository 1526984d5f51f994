#!/bin/sh
# Measures the models of this folder on a phone (adb), on a board (ssh) or here. Started again, it goes on where it was.
#
# usage: ./run.sh [-a SERIAL | -r USER@HOST | -l] [-b TOOL] [-m MASK]
#   -a SERIAL     an Android device by adb; the default, without a serial number where one device is connected
#   -r USER@HOST  another machine by ssh and scp, with a key (no password is asked for)
#   -l            this machine
#   -b TOOL       the benchmark tool to copy there; default: tool/NAME, else one that is there already
#   -m MASK       the cores to run on, as taskset takes them (hexadecimal); default: the fastest ones
#
# results/PASS/VISIT.txt is what the tool printed at one visit of a model. Visits that failed (.failed), or during which the
# device grew hot (.hot), are kept beside them and come again.
# It ends with 0 if all is measured, 1 if some visits failed, 2 for wrong options or another device, 3 if another kit is
# running, 4 if the device went away, 5 if there is no space left, 6 if there is no benchmark tool.
set -u

WAY=adb SERIAL=${ANDROID_SERIAL:-} HOST='' BINARY='' MASK=''
while getopts a:r:lb:m: option; do
  case $option in
    a) WAY=adb SERIAL=$OPTARG ;;
    r) WAY=ssh HOST=$OPTARG ;;
    l) WAY=here ;;
    b) BINARY=$OPTARG ;;
    m) MASK=$OPTARG ;;
    *) sed -n '2,/^set -u/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done
case $BINARY in '' | /*) ;; *) BINARY=$PWD/$BINARY ;; esac
cd "$(dirname "$0")" || exit 2

# RUNTIME, TOOL, SOURCE, SUFFIX, DONE, THREADS; command_of MODEL PASS SHAPE
. ./settings.sh
# Seconds to wait for a cool device at most, and between two looks; degrees above the beginning that are cool enough;
# the thermal status of Android at which a visit counts as hot; seconds until a device that went away is tried again.
COOL_MOST=${COOL_MOST:-300} COOL_STEP=${COOL_STEP:-5} COOL_RANGE=${COOL_RANGE:-8} HOT=${HOT:-1} RETRY=${RETRY:-10}
case $WAY in # over ssh a folder is relative to the home folder there
  adb) DIR=${DIR:-/data/local/tmp/mbcost-kit} ;;
  ssh) DIR=${DIR:-mbcost-kit} ;;
  *) DIR=${DIR:-${HOME:-$PWD}/mbcost-kit} ;;
esac

say() { printf '%s\n' "$*" >&2; }
die() { code=$1; shift; say "$*"; exit "$code"; }
adb_() { if [ -n "$SERIAL" ]; then adb -s "$SERIAL" "$@"; else adb "$@"; fi; }
on() { # run a command on the device
  case $WAY in
    adb) adb_ shell "$1" ;;
    ssh) ssh -o BatchMode=yes -o ConnectTimeout=10 "$HOST" "$1" ;;
    here) sh -c "$1" ;;
  esac </dev/null
}
put() { # copy a file to the device
  case $WAY in
    adb) adb_ push "$1" "$2" ;;
    ssh) scp -q -o BatchMode=yes "$1" "$HOST:$2" ;;
    here) cp "$1" "$2" ;;
  esac >/dev/null 2>&1 </dev/null
}
alive() { [ "$(on 'echo alive' 2>/dev/null | tr -d '\r')" = alive ]; }
gone() { # the device does not answer: once more after a while, then give up
  alive && return 1
  sleep "$RETRY"
  alive && return 1
  die 4 "the device went away; connect it and start again: what is measured is kept"
}
copy() {
  put "$1" "$2" && return 0
  gone || put "$1" "$2" || die 5 "cannot copy $1 to $2: is there space left on the device?"
}
full() {
  rm -f "$1"
  die 5 "cannot write $1: is there space left here? Make room and start again: what is measured is kept"
}

# -- the device ---------------------------------------------------------------------------------------------------------
STATUS=-1 HEAT=0 CLOCK='?'
look() { # STATUS: Android's thermal status, 0 none to 6 shutdown, -1 where there is none; HEAT: degrees Celsius of the
  # hottest sensor, 0 where there is none; CLOCK: kHz of the last core of the mask
  read -r STATUS HEAT CLOCK << END
$(on "dumpsys thermalservice 2>/dev/null | grep 'Thermal Status:'
  for sensor in /sys/class/thermal/thermal_zone*/temp; do echo sensor \$(cat \$sensor 2>/dev/null); done
  echo clock \$(cat /sys/devices/system/cpu/cpu$CORE/cpufreq/scaling_cur_freq 2>/dev/null)" 2>/dev/null |
    tr -d '\r' | awk '
      BEGIN {status = -1; clock = "?"}
      /Thermal Status:/ {if (status < 0) status = $NF}
      /^sensor / {heat = $2 > 1000 ? $2 / 1000 : $2; if (heat < 150 && heat > most) most = heat}
      /^clock / {if ($2) clock = $2}
      END {printf "%d %d %s\n", status, most, clock}')
END
}
fastest() { # the mask of the cores with the highest clocks, as many as there are threads, and the last of them
  # shellcheck disable=SC2016  # for the device's shell
  on 'for c in /sys/devices/system/cpu/cpu[0-9]*; do echo "${c##*cpu} $(cat "$c/cpufreq/cpuinfo_max_freq" 2>/dev/null)"; done' 2>/dev/null |
    tr -d '\r' | awk -v threads="$THREADS" '
      $2 > 0 && $1 < 31 {clock[$1] = $2}
      END {
        while (count < threads) {
          most = 0
          for (core in clock) if (!(core in taken) && clock[core] > most) most = clock[core]
          if (!most) break
          for (core in clock) if (clock[core] == most) {taken[core] = 1; count++; mask += 2 ^ core; if (core + 0 > last) last = core + 0}
        }
        if (count) printf "%x %d\n", mask, last
      }'
}
facts() { # the device, in the first line; then what else is known of it
  if [ "$WAY" = adb ]; then
    printf 'device\t%s\n' "$(on 'getprop ro.product.model; getprop ro.build.fingerprint' 2>/dev/null | tr -d '\r' | tr '\n' ' ')"
    for name in ro.soc.model ro.board.platform ro.build.version.release; do
      printf '%s\t%s\n' "$name" "$(on "getprop $name" 2>/dev/null | tr -d '\r')"
    done
  else
    printf 'device\t%s\n' "$(on 'uname -n -m' 2>/dev/null)"
  fi
}
cool() { # wait until the device is as cool as it was; 1 if it does not become so
  waited=0
  while :; do
    look
    [ "$STATUS" -le 0 ] && [ "$HEAT" -le $((BASE + COOL_RANGE)) ] && return 0
    [ "$waited" -ge "$COOL_MOST" ] && return 1
    [ "$waited" = 0 ] && say "waiting for the device to cool down"
    sleep "$COOL_STEP"
    waited=$((waited + COOL_STEP))
  done
}

# -- one kit at a time --------------------------------------------------------------------------------------------------
LOCKED='' LOCKED_THERE=''
leave() {
  [ -n "$LOCKED_THERE" ] && on "rm -rf $DIR/lock" >/dev/null 2>&1
  [ -n "$LOCKED" ] && rm -rf results/.lock
  if [ "$WAY" = adb ] && [ -n "$LOCKED_THERE" ]; then
    on 'cmd power set-fixed-performance-mode-enabled false; svc power stayon false' >/dev/null 2>&1
  fi
}
trap leave EXIT
trap 'exit 130' INT TERM HUP
lock() {
  mkdir -p results || full results/.lock
  if ! mkdir results/.lock 2>/dev/null; then
    owner=$(cat results/.lock/owner 2>/dev/null)
    [ -n "$owner" ] && kill -0 "$owner" 2>/dev/null && die 3 "this kit is running already (process $owner)"
    rm -rf results/.lock
    mkdir results/.lock 2>/dev/null || die 3 "this kit is running already, or results/ cannot be written"
  fi
  LOCKED=yes
  echo "$$" > results/.lock/owner || full results/.lock/owner
}
lock_there() {
  mine="$(uname -n):$$"
  on "mkdir -p $DIR" >/dev/null 2>&1
  [ "$(on "mkdir $DIR/lock 2>/dev/null && echo $mine > $DIR/lock/owner && echo made" | tr -d '\r')" = made ] && LOCKED_THERE=yes && return 0
  gone
  owner=$(on "cat $DIR/lock/owner 2>/dev/null" | tr -d '\r')
  if [ -n "$owner" ] && { [ "${owner%:*}" != "${mine%:*}" ] || kill -0 "${owner##*:}" 2>/dev/null; }; then
    die 3 "another kit measures on this device ($owner); if it does not, remove $DIR/lock there"
  fi
  on "rm -rf $DIR/lock" >/dev/null 2>&1
  [ "$(on "mkdir $DIR/lock && echo $mine > $DIR/lock/owner && echo made" 2>/dev/null | tr -d '\r')" = made ] ||
    die 5 "cannot write $DIR on the device: is there space left?"
  LOCKED_THERE=yes
}

# -- measuring ----------------------------------------------------------------------------------------------------------
visit() { # PASS VISIT MODEL: one visit of a model; 0 measured, 1 failed, 3 hot
  out=results/$1/$2.txt
  [ -s "$out" ] && return 0
  mkdir -p "results/$1" || full "$out"
  cool; cooled=$?
  copy "models/$3$SUFFIX" "$DIR/m$SUFFIX"
  before="status $STATUS, hottest $HEAT C, clock $CLOCK kHz"
  printf 'mbcost: kit visit %s of %s, %s, %s threads\n' "$2" "$3" "$RUNTIME" "$THREADS" > "$out.part" || full "$out.part"
  shape=$(sed -n "s/^$3,[^,]*,[^,]*,\([^,]*\),.*/\1/p" models.csv | tr ';' ',')
  on "cd $DIR && $PREFIX $(command_of "m$SUFFIX" "$1" "$shape") 2>&1" | tr -d '\r' >> "$out.part" || full "$out.part"
  look
  printf 'mbcost: before: %s; after: status %s, hottest %s C, clock %s kHz; cool %s\n' "$before" "$STATUS" "$HEAT" "$CLOCK" \
    "$cooled" >> "$out.part" || full "$out.part"
  if ! grep -q "$DONE" "$out.part"; then
    if ! alive; then rm -f "$out.part"; gone; return 1; fi
    mv -f "$out.part" "results/$1/$2.failed" || full "$out.part"
    return 1
  fi
  if [ "$STATUS" -ge "$HOT" ]; then
    mv -f "$out.part" "results/$1/$2.hot" || full "$out.part"
    return 3
  fi
  mv -f "$out.part" "$out" || full "$out.part"
}

[ -r visits.txt ] || die 2 "no visits.txt: is this the folder of a kit?"
lock
alive || die 4 "no device answers: $WAY ${SERIAL:-$HOST}"
lock_there
facts > results/device.part || full results/device.part
if [ -s results/device.txt ] && [ "$(head -n 1 results/device.txt)" != "$(head -n 1 results/device.part)" ]; then
  die 2 "results/ is of another device, $(head -n 1 results/device.txt): measure this one with a copy of the kit"
fi
[ -n "$BINARY" ] || { [ -f "tool/$TOOL" ] && BINARY=tool/$TOOL; }
if [ -n "$BINARY" ]; then
  [ -f "$BINARY" ] || die 6 "no file $BINARY"
  copy "$BINARY" "$DIR/$TOOL"
  on "chmod 755 $DIR/$TOOL"
fi
RUN=$(on "if [ -x $DIR/$TOOL ]; then echo ./$TOOL; else command -v $TOOL; fi" 2>/dev/null | tr -d '\r')
[ -n "$RUN" ] || die 6 "no $TOOL on the device: put it into tool/ ($SOURCE)"
if [ "$WAY" = adb ]; then
  on 'cmd power set-fixed-performance-mode-enabled true; svc power stayon true' >/dev/null 2>&1
fi
CORE=''
if [ -z "$MASK" ]; then
  found=$(fastest)
  MASK=${found% *} CORE=${found#* }
fi
PREFIX=''
[ -n "$MASK" ] && [ -n "$(on 'command -v taskset' 2>/dev/null)" ] && PREFIX="taskset $MASK"
look
BASE=$HEAT
if [ -s results/base.txt ] && [ "$(cat results/base.txt)" -lt "$BASE" ]; then BASE=$(cat results/base.txt); fi
echo "$BASE" > results/base.txt || full results/base.txt
printf 'runtime\t%s\ntool\t%s\nmask\t%s\nthreads\t%s\nbase_celsius\t%s\n' "$RUNTIME" "$RUN" "$MASK" "$THREADS" "$BASE" >> results/device.part ||
  full results/device.part
mv -f results/device.part results/device.txt

total=$(grep -c . visits.txt) number=0 failed=0
while read -r pass name model; do
  number=$((number + 1))
  [ -s "results/$pass/$name.txt" ] && continue
  say "$number of $total: pass $pass, $model"
  try=1
  while :; do
    visit "$pass" "$name" "$model"; code=$?
    [ "$code" = 3 ] && [ "$try" -lt 3 ] || break
    say "hot: $model comes again"
    try=$((try + 1))
  done
  if [ "$code" != 0 ]; then
    failed=$((failed + 1))
    say "$([ "$code" = 3 ] && echo 'too hot' || echo 'failed'): results/$pass/$name.$([ "$code" = 3 ] && echo hot || echo failed)"
  fi
done < visits.txt
if [ "$failed" -gt 0 ]; then
  die 1 "$failed of $total visits are missing; start again to repeat them. Next: mbcost measurements read results -o rows.csv"
fi
say "all $total visits are measured. Next: mbcost measurements read results -o rows.csv"
