// Where output goes and input comes from: full disks, closed descriptors, pipes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <future>

#include "support.h"
#include "tenon/format/idx.h"
#include "tenon/format/npy.h"

namespace tenon::testing {
namespace {

using ::testing::HasSubstr;

std::filesystem::path make_pipe(const TemporaryFolder& folder, const std::string& name) {
  EXPECT_EQ(::mkfifo((folder / name).c_str(), 0600), 0);
  return folder / name;
}

TEST(Streams, OutputThatIsLostIsAnError) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--help"}, {"--version"}, {"ops"}, {"completion", "bash"}}) {
    Finished finished = run(arguments, {.out = "/dev/full"});
    EXPECT_EQ(finished.exit_code, 1) << arguments[0];
    EXPECT_EQ(finished.err, "error: cannot write the output: No space left on device\n");
  }
}

TEST(Streams, ClosedOnesDoNotEndUpInFiles) {
  TemporaryFolder folder;
  write_small_run(folder.path(), 1);
  RunOptions here{.folder = folder.path()};
  RunOptions closed = here;
  closed.closed = true;
  ASSERT_EQ(run({"train", "run.toml", "--profile", "profile.json"}, closed).exit_code, 0);
  EXPECT_EQ(run({"inspect", "runs/run/model.tenon"}, here).exit_code, 0);
  EXPECT_TRUE(read_text(folder / "profile.json").starts_with("{"));
  EXPECT_TRUE(read_text(folder / "runs/run/report.html").starts_with("<!"));
}

TEST(Streams, ModelsAndReportsGoIntoPipesAndComeOutOfThem) {
  TemporaryFolder folder;
  write_small_run(folder.path(), 1);
  RunOptions here{.folder = folder.path()};
  const std::filesystem::path pipe = make_pipe(folder, "pipe"), rows = make_pipe(folder, "rows");
  auto model = std::async(std::launch::async, [&] { return read_text(pipe); });
  Finished train = run({"train", "run.toml", "--output", "pipe"}, here);
  ASSERT_EQ(train.exit_code, 0) << train.err;
  write_text(folder / "model.tenon", model.get());
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));

  write_npy(folder / "rows.npy", Literal(DType::u8, {2, 8, 8}));
  auto sends = [&](const std::string& from, const std::filesystem::path& to) {
    return std::async(std::launch::async,
                      [&, from, to] { write_text(to, read_text(folder / from)); });
  };
  auto sent_model = sends("model.tenon", pipe), sent_rows = sends("rows.npy", rows);
  Finished predict = run({"predict", "pipe", "rows"}, here);
  EXPECT_EQ(predict.exit_code, 0) << predict.err;
  EXPECT_THAT(predict.out, HasSubstr("rows#1  "));
  auto sent_again = sends("model.tenon", pipe);
  EXPECT_THAT(run({"inspect", "pipe"}, here).out, HasSubstr("u8[batch,8,8,1]"));

  auto report = std::async(std::launch::async, [&] { return read_text(pipe); });
  Finished evaluate = run({"evaluate", "model.tenon", "test.npz", "--report", "pipe"}, here);
  EXPECT_EQ(evaluate.exit_code, 0) << evaluate.err;
  EXPECT_THAT(report.get(), HasSubstr("</html>"));

  auto settings = sends("run.toml", pipe);
  Finished nameless = run({"train", "pipe"}, here);
  EXPECT_EQ(nameless.exit_code, 1);
  EXPECT_THAT(nameless.err, HasSubstr("hint: --set train.checkpoint=FOLDER"));
}

TEST(Streams, FirstBytesSayWhatAFileIs) {
  TemporaryFolder folder;
  write_idx(folder / "labels", Literal(DType::u8, {3}));
  ASSERT_EQ(
      ::system(("gzip -n -c " + (folder / "labels").string() + " > " + (folder / "packed").string())
                   .c_str()),
      0);
  EXPECT_THAT(run({"inspect", "labels"}, {.folder = folder.path()}).out, HasSubstr("u8[3]"));
  EXPECT_THAT(run({"inspect", "packed"}, {.folder = folder.path()}).out, HasSubstr("u8[3]"));
}

TEST(Streams, AnUnknownLogLevelIsAWarning) {
  ::setenv("TENON_LOG", "bogus", 1);
  TemporaryFolder folder;
  write_small_run(folder.path(), 1);
  Finished finished = run({"train", "run.toml"}, {.folder = folder.path()});
  ::unsetenv("TENON_LOG");
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.err, HasSubstr("warning: TENON_LOG: unknown log level bogus; known: debug"));
}

}  // namespace
}  // namespace tenon::testing
