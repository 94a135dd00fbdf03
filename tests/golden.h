// Tests whose cases are files: tests/golden/<folder>/*.ir, each a comment for the test, a graph,
// "# becomes", and the graph that is made of it. TENON_UPDATE_GOLDEN=1 writes the last part again.
//
//   class Golden : public testing::TestWithParam<std::string> {};
//   TEST_P(Golden, Transform) { check_golden(GetParam(), transformed); }
//   INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(golden_files("transform")), stem_of);
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tenon/base/files.h"
#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"

namespace tenon {

/// GoogleTest itself fails a suite that has no case.
inline std::vector<std::string> golden_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("tests/golden/" + folder, none)) {
    files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

/// The name of a case.
inline std::string stem_of(const testing::TestParamInfo<std::string>& info) {
  return std::filesystem::path(info.param).stem().string();
}

/// `become` is given the comment in the first line and the graph.
inline void check_golden(
    const std::string& file,
    const std::function<std::unique_ptr<Graph>(const std::string& comment, const Graph&)>& become) {
  const std::string marker = "# becomes\n";
  const std::string text = read_file(file);
  const size_t split = text.find(marker);
  ASSERT_NE(split, std::string::npos) << file;
  const std::string source = text.substr(0, split);
  const std::string comment = source.substr(2, source.find('\n') - 2);
  const std::string actual = to_text(*become(comment, *parse_graph(source, core_ops()))) + "\n";
  if (std::getenv("TENON_UPDATE_GOLDEN")) {
    atomic_write(file, source + marker + actual);
  } else {
    EXPECT_EQ(actual, text.substr(split + marker.size())) << file;
  }
}

}  // namespace tenon
