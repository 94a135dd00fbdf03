// Any text at all must give a graph that prints and parses back to itself, or a tenon::Error.

#include "tenon/graph/text.h"
#include "tenon/graph/verify.h"
#include "tenon/ops/registry.h"
#include "tests/fuzz/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return tenon::fuzz_parser(data, size, [](auto bytes, auto) {
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    auto graph = tenon::parse_graph(text, tenon::core_ops());
    tenon::verify(*graph);
    std::string printed = tenon::to_text(*graph);
    if (tenon::to_text(*tenon::parse_graph(printed, tenon::core_ops())) != printed) std::abort();
  });
}
