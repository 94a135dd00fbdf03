// Any text either is a configuration, which then prints and reads back, or an Error.

#include "tenon/base/configuration.h"

#include <cstdlib>

#include "tenon/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.find("base") != text.npos) return 0;  // would read files
  try {
    auto config = tenon::Configuration::parse(text, "fuzz.toml");
    const std::string printed = config.to_toml();
    if (tenon::Configuration::parse(printed, "printed.toml").to_toml() != printed) std::abort();
    config.set(text.substr(0, text.find('\n')));
  } catch (const tenon::Error&) {
  }
  return 0;
}
