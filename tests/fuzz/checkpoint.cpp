// Any bytes at all must give a checkpoint that a run goes on from, or a tenon::Error.

#include "tenon/train/checkpoint.h"

#include "tenon/train/run_state.h"
#include "tests/fuzz/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return tenon::fuzz_parser(data, size, [](auto bytes, auto name) {
    tenon::train::RunState run;
    run.values.parameters.set("dense1.bias", tenon::zeros({2}).eval());
    run.values.step = tenon::Tensor(0);
    restore(run, tenon::train::parse_checkpoint(bytes, name));
  });
}
