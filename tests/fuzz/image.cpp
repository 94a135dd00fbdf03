// Any bytes at all must give an image or a tenon::Error.

#include "tenon/format/image.h"

#include "tests/fuzz/parser.h"
#include "tests/png_checksums.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return tenon::fuzz_parser(data, size, [](auto bytes, auto name) {
    tenon::parse_image(tenon::with_right_checksums(bytes), name, {});
  });
}
