#!/bin/sh
# Makes a default model: from folders of data to the file that ships, its contract and its card.
# Every step resumes; a run that was interrupted goes on with the same command. What the folders are,
# how long it takes and how to use a GPU: docs/weights.md.
set -eu

usage="usage: tools/make_weights.sh FACES PORTRAITS LONDON CLIPS OUT [NETWORK]
  FACES      renders of rtau-train synth; several, separated by commas
  PORTRAITS  pictures scored by MediaPipe (rtau-train prepare portraits)
  LONDON     Face Research Lab London Set: people of odd numbers choose thresholds, even ones report
  CLIPS      rendered clips with their true curves
  OUT        folder for runs, prepared data and the model
  NETWORK    shufflenetv2 (default) or vgg19"
[ "$#" = 5 ] || [ "$#" = 6 ] || { echo "$usage" >&2; exit 2; }
faces=$1 portraits=$2 london=$3 clips=$4 out=$5
case ${6:-shufflenetv2} in
    shufflenetv2) steps="shufflenetv2-synth shufflenetv2-au12" ;;
    vgg19) steps="vgg19-shallow vgg19-shallow-112 vgg19-au12" ;;
    *) echo "$usage" >&2; exit 2 ;;
esac
processes=${RTAU_PROCESSES:-2}
device=${RTAU_DEVICE:-cpu}
recipes=$(dirname "$0")/../train/recipes
crop="--crop-expand 1.385 --crop-offset-y 0.095"
renders=$(echo "$faces" | sed 's/^/--data /; s/,/ --data /g')
both="$renders --data $out/portraits"

train() { rtau-train "$@"; }
# One process per core is faster than threads that share a small network's layers.
fit() {
    OMP_NUM_THREADS=1 torchrun --nproc-per-node "$processes" -m rtau_train fit "$@" \
        --device "$device" --threads 1 --resume
}

mkdir -p "$out"
# shellcheck disable=SC2086 # $crop, $data, $begin and $both are several words on purpose
{
    train prepare portraits "$portraits" "$out/portraits" --source SFHQ-T2I $crop
    train prepare london "$london" "$out/neutral" --people odd $crop
    begin=""
    for model in $steps; do
        # ShuffleNetV2 meets the portraits in its second step only.
        data=$both
        [ "$model" != shufflenetv2-synth ] || data=$renders
        fit "$recipes/$model.toml" $data $begin --out "$out/$model"
        begin="--start-from $out/$model"
    done
    train calibrate "$out/$model" $both --neutral "$out/neutral"
    rtau-export onnx "$out/$model" --out "$out/$model.onnx"
    train cardtest "$out/$model.onnx" "$out/$model" $both --london "$london" --clips "$clips" \
        --out "$out/$model.md"
}
