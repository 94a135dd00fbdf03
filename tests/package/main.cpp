#include <fmt/core.h>

#include "tenon/base/configuration.h"
#include "tenon/base/error.h"
#include "tenon/base/version.h"

int main() {
  try {
    tenon::Configuration::parse("epochs = five", "train.toml");
  } catch (const tenon::Error& error) {
    fmt::print("tenon {}: {}\n", tenon::version(), error.message());
    return 0;
  }
  return 1;
}
