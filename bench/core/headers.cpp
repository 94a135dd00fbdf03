// What the public headers cost whoever includes them: programs of bench/core/programs/, compiled
// without optimisation with core.h and with tenon.h. Time is the compiler's processor time.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cstdlib>
#include <string>

namespace {

double seconds_of_children() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void compile_with(benchmark::State& state, const std::string& program, const std::string& header) {
  const std::string root = TENON_SOURCE_DIR;
  const std::string command = std::string(TENON_CXX) + " -std=c++20 -c -o /dev/null -I" + root +
                              " -DTENON_HEADER='<tenon/" + header + ">' " + root +
                              "/bench/core/programs/" + program + ".cpp";
  for (auto _ : state) {
    const double before = seconds_of_children();
    if (std::system(command.c_str()) != 0) return state.SkipWithError(command.c_str());
    state.SetIterationTime(seconds_of_children() - before);
  }
}

void compile_header(const char* program, const char* header) {
  benchmark::RegisterBenchmark(
      ("compile_header/" + std::string(program) + "/" + header).c_str(),
      [=](benchmark::State& state) { compile_with(state, program, header); })
      ->UseManualTime()
      ->Iterations(3)
      ->Unit(benchmark::kMillisecond);
}

const bool registered = [] {
  for (const char* program : {"one_line", "readme", "many_functions"}) {
    for (const char* header : {"core.h", "tenon.h"}) compile_header(program, header);
  }
  return true;
}();

}  // namespace
