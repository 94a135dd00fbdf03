// Any bytes at all must give a model or a tenon::Error.

#include "tenon/train/model.h"

#include "tests/fuzz/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return tenon::fuzz_parser(data, size,
                            [](auto bytes, auto name) { tenon::train::Model::parse(bytes, name); });
}
