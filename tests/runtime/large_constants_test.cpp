// A large constant costs one mapping and no copy. The file is sparse, and pages that nobody
// looks at are never read.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tenon/base/files.h"
#include "tenon/graph/build.h"
#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/value_functions.h"
#include "tenon/runtime/executable.h"

namespace tenon {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kRows = int64_t{1} << 17;
constexpr size_t kBytes = size_t{1} << 28;  // f32[2^17, 512]

#if defined(__has_feature)
constexpr bool kHasShadowMemory = __has_feature(thread_sanitizer);
#else
constexpr bool kHasShadowMemory = false;
#endif

/// Resident memory of this process that is not of files, which is what copies would take.
int64_t own_memory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    int64_t kilobytes = 0;
    if (word == "RssAnon:" && status >> kilobytes) return kilobytes << 10;
  }
  return 0;
}

class SparseFile {
 public:
  explicit SparseFile(size_t bytes)
      : path_(fs::temp_directory_path() / ("tenon_sparse_" + std::to_string(::getpid()))) {
    std::ofstream(path_).close();
    fs::resize_file(path_, bytes);
  }
  ~SparseFile() { fs::remove(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

TEST(LargeConstants, CostOneMappingAndNoCopy) {
  const SparseFile file(kBytes);
  const int64_t before = own_memory(), live = buffer_statistics().live_bytes;
  const int64_t hashed = blob_statistics().hashed_bytes;
  Literal table =
      Literal::of_blob(DType::f32, {kRows, 512},
                       Blob::of_file(std::make_shared<const MappedFile>(file.path()), 0, kBytes));
  EXPECT_EQ(blob_statistics().mapped, 1);
  EXPECT_EQ(static_cast<size_t>(blob_statistics().mapped_bytes), kBytes);

  Graph graph("rows");
  Build build(graph, core_ops());
  const Value ids = build.input("ids", Type::parse("i32[4]"));
  const Value weights = build.constant(table);
  graph.set_outputs({build.call("gather", {weights, ids}, {{"axis", 0}}).id()});
  const Graph clone = graph;
  const Attributes attributes = clone.node(0).attributes;
  const Literal copy = *attributes.literal("value");
  const Buffer buffer = Buffer::of(copy);
  EXPECT_EQ(buffer.data(), table.blob()->data());
  EXPECT_FALSE(buffer.unique());
  EXPECT_EQ(blob_statistics().hashed_bytes, hashed) << "no key has needed its hash yet";

  // Merging equal nodes asks for it, once for all that follows.
  const auto executable = compile(graph, core_ops());
  const auto again = compile(clone, core_ops());
  EXPECT_LE(to_text(graph).size(), 1000u);
  EXPECT_EQ(graph.structural_hash(), clone.structural_hash());
  EXPECT_EQ(static_cast<size_t>(blob_statistics().hashed_bytes - hashed), kBytes);

  const std::vector<Buffer> rows = executable->run({Buffer::copy_of(
      Literal::of<int32_t>({4}, {0, 7, 100'000, static_cast<int32_t>(kRows - 1)}))});
  EXPECT_EQ(rows[0].to_literal(), Literal(DType::f32, {4, 512}));
  EXPECT_LT(buffer_statistics().live_bytes - live, int64_t{1} << 20);
  if (!kHasShadowMemory) {
    EXPECT_LT(own_memory() - before, int64_t{64} << 20);
  }
  EXPECT_EQ(blob_statistics().mapped, 1);
}

}  // namespace
}  // namespace tenon
