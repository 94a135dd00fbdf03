// Any text either is JSON, which then prints and reads back, or an Error.

#include "tenon/base/json.h"

#include <cstdlib>

#include "tenon/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const std::string printed = tenon::dump_json(tenon::parse_json(text, "fuzz.json"));
    if (tenon::dump_json(tenon::parse_json(printed, "printed.json")) != printed) std::abort();
  } catch (const tenon::Error&) {
  }
  return 0;
}
