// The comments of tests/golden/transform/*.ir name a transform.
#include "tests/golden.h"

#include "tenon/base/error.h"
#include "tenon/graph/verify.h"
#include "tenon/transform/jvp.h"
#include "tenon/transform/vjp.h"
#include "tenon/transform/vmap.h"

namespace tenon {
namespace {

std::unique_ptr<Graph> transformed(const std::string& name, const Graph& graph) {
  if (name == "vjp") return vjp(graph, core_ops());
  if (name == "gradient") return gradient(graph, core_ops());
  if (name == "jvp") return jvp(graph, core_ops());
  if (name == "vmap") return vmap(graph, core_ops(), {.size = Dim::symbol("batch")});
  throw Error(ErrorCode::not_found, "no transform '" + name + "'");
}

std::unique_ptr<Graph> verified(const std::string& name, const Graph& graph) {
  auto result = transformed(name, graph);
  verify(*result);
  return result;
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, Transform) { check_golden(GetParam(), verified); }

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(golden_files("transform")), stem_of);

}  // namespace
}  // namespace tenon
