// tenon inspect: what is in a file.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <string_view>

#include "cli/command.h"
#include "cli/content.h"
#include "cli/rows.h"
#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/strings.h"
#include "tenon/format/idx.h"
#include "tenon/format/image.h"
#include "tenon/format/npy.h"
#include "tenon/format/safetensors.h"
#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"
#include "tenon/tensor/print.h"
#include "tenon/train/checkpoint.h"
#include "tenon/train/model.h"

namespace tenon::cli {

namespace {

struct Options {
  std::vector<std::string> files;
  std::string file;  // the one of them that is inspected
  bool graph = false;
  std::string png;
};

using Bytes = std::span<const std::byte>;

struct Row {
  std::string name, type;
  uint64_t bytes;
};

void print_rows(const std::vector<Row>& rows) {
  size_t name = 0, type = 0;
  uint64_t total = 0;
  for (const Row& row : rows) {
    name = std::max(name, row.name.size());
    type = std::max(type, row.type.size());
    total += row.bytes;
  }
  for (const Row& row : rows)
    fmt::print("  {:<{}}  {:<{}}  {:>10}\n", row.name, name, row.type, type,
               format_bytes(row.bytes));
  if (rows.size() > 1)
    fmt::print("  {:<{}}  {:<{}}  {:>10}\n", fmt::format("{} tensors", rows.size()), name, "", type,
               format_bytes(total));
}

Row row_of(const std::string& name, const Literal& literal) {
  return {name, literal.type().to_string(), literal.bytes()};
}

void print_graph(const Graph& graph) {
  PrintOptions printing;
  printing.max_literal_elements = 16;
  fmt::print("{}\n", to_text(graph, printing));
}

void add_tree(const std::string& prefix, const Tree& tree, std::vector<Row>& rows) {
  for_each_leaf(tree, [&](const std::string& path, const Tensor& leaf) {
    rows.push_back({prefix + path, leaf.type().to_string(), leaf.buffer().bytes()});
  });
}

void inspect_model(const Options& options, Bytes bytes) {
  train::Model model = train::Model::parse(bytes, options.file);
  if (options.graph) return print_graph(model.graph());
  int64_t parameters = 0;
  for (const Tensor& leaf : leaves_of(model.variables().parameters))
    parameters += leaf.buffer().size();
  fmt::print("model  {}\n", options.file);
  auto print_all = [](const char* what, const nn::Signature& signature) {
    for (const auto& [name, type] : signature)
      fmt::print("  {:<11} {}{}{}\n", what, type.to_string(), name.empty() ? "" : "  ", name);
  };
  print_all("input", model.inputs());
  print_all("output", model.outputs());
  if (!model.classes().empty()) fmt::print("  classes     {}\n", join(model.classes(), ", "));
  fmt::print("  parameters  {}\n", group_digits(parameters));
  fmt::print("  operations  {} (--graph shows them)\n", model.graph().node_count());
  for (const auto& [key, text] : model.about()) {
    if (text.find('\n') == std::string::npos) {
      fmt::print("  {:<11} {}\n", key, text);
      continue;
    }
    fmt::print("  {}\n", key);
    for (const std::string& line : split(trim(text), '\n')) fmt::print("    {}\n", line);
  }
  std::vector<Row> rows;
  add_tree("", model.variables().parameters, rows);
  add_tree("", model.variables().state, rows);
  fmt::print("variables\n");
  print_rows(rows);
}

/// As in the file, where that is not a dtype of Tenon's.
std::string type_text(const SafetensorsEntry& entry) {
  const std::string shape = Shape::of(entry.shape).to_string();
  if (!entry.dtype) return fmt::format("{}{}, not read", entry.dtype_name, shape);
  const std::string_view dtype = name_of(*entry.dtype);
  if (entry.narrow == Narrow::none) return fmt::format("{}{}", dtype, shape);
  return fmt::format("{}{}, read as {}", entry.dtype_name, shape, dtype);
}

void inspect_safetensors(const Options& options, Bytes bytes) {
  SafetensorsFile file(bytes, options.file);
  if (train::Model::is_in(file)) return inspect_model(options, bytes);
  if (options.graph) fail(ErrorCode::invalid_argument, "{} has no graph", options.file);
  if (train::is_checkpoint(file)) {
    train::Checkpoint checkpoint = train::parse_checkpoint(bytes, options.file);
    fmt::print("checkpoint  {}\n  epochs done  {}\n  step         {} of the next\n", options.file,
               checkpoint.epoch, checkpoint.step);
  } else {
    fmt::print("safetensors  {}\n", options.file);
    for (const auto& [key, text] : file.metadata())
      fmt::print("  {}  {}\n", key, text.size() > 200 ? text.substr(0, 200) + " …" : text);
  }
  std::vector<Row> rows;
  for (const SafetensorsEntry& entry : file.tensors())
    rows.push_back({entry.name, type_text(entry), entry.size});
  print_rows(rows);
}

/// Smallest, largest and mean element of those that are numbers.
void print_statistics(const Literal& values) {
  double low = 0, high = 0, sum = 0;
  int64_t numbers = 0;
  for (int64_t i = 0; i < values.size(); ++i) {
    const double value = values.to_double(i);
    if (std::isnan(value)) continue;
    low = numbers == 0 ? value : std::min(low, value);
    high = numbers == 0 ? value : std::max(high, value);
    sum += value;
    ++numbers;
  }
  if (numbers > 0)
    fmt::print("  smallest {:.6g}, largest {:.6g}, mean {:.6g}\n", low, high,
               sum / static_cast<double>(numbers));
  if (numbers < values.size()) fmt::print("  not a number: {}\n", values.size() - numbers);
}

void inspect_array(std::string_view kind, const std::string& path, const Literal& values) {
  fmt::print("{}  {}\n", kind, path);
  print_rows({row_of("array", values)});
  print_statistics(values);
}

/// What is not read, such as text, has a line too. Damage is an error behind all others.
int inspect_archive(const std::string& path, const NpzFile& archive) {
  std::vector<Row> rows;
  std::vector<std::string> unread, damaged;
  for (const std::string& name : archive.names()) {
    try {
      rows.push_back(row_of(name, archive.read(name)));
    } catch (const Error& error) {
      (error.code() == ErrorCode::corrupt ? damaged : unread).push_back(error.message());
    }
  }
  fmt::print("npz  {}\n", path);
  print_rows(rows);
  for (const std::string& name : archive.others()) fmt::print("  no array: {}\n", name);
  for (const std::string& why : unread) fmt::print("  not read: {}\n", why);
  for (const std::string& why : damaged) report_error(why);
  return damaged.empty() ? kOk : kError;
}

/// What a damaged or unknown file was meant to be; its reader then says what is wrong with it.
Content content_by_name(const std::string& path) {
  auto named = [&](std::string_view ending) { return path.ends_with(ending); };
  if (named(".safetensors") || named(".tenon")) return Content::safetensors;
  if (named(".npy")) return Content::npy;
  if (named(".npz")) return Content::npz;
  if (named(".png") || named(".pbm") || named(".pgm") || named(".ppm")) return Content::picture;
  if (named(".ir")) return Content::graph;
  return path.find("idx") != std::string::npos ? Content::idx : Content::unknown;
}

/// A row of an array as a picture.
int write_row(const Options& options) {
  Literal rows = read_array_rows(options.file);
  std::vector<int64_t> shape = rows.shape();
  if (rows.dtype() != DType::u8 || shape.size() < 3 || shape[0] != 1) {
    throw make_error(ErrorCode::invalid_argument, "{}: {} is not one picture of bytes",
                     options.file, rows.type().to_string())
        .note("expected: one row of u8[n,height,width] or u8[n,height,width,channels], as FILE#17");
  }
  shape.erase(shape.begin());
  write_png(options.png, std::move(rows).reshaped(shape));
  fmt::print("wrote {}\n", options.png);
  return kOk;
}

int inspect(const Options& options) {
  if (!options.png.empty()) return write_row(options);
  const std::string& path = options.file;
  if (names_rows(path)) {
    Literal rows = read_array_rows(path);
    inspect_array("rows", path, rows);
    fmt::print("{}\n", Tensor(rows));
    return kOk;
  }
  MappedFile file(path);
  Bytes bytes = file.bytes();
  Content content = content_of(file.text());
  if (content == Content::unknown) content = content_by_name(path);
  switch (content) {
    case Content::safetensors:
      inspect_safetensors(options, bytes);
      break;
    case Content::npy:
      inspect_array("npy", path, parse_npy(bytes, path));
      break;
    case Content::npz:
      return inspect_archive(path, NpzFile(bytes, path));
    case Content::picture:
      inspect_array("image", path, parse_image(bytes, path));
      break;
    case Content::graph:
      try {
        print_graph(*parse_graph(file.text(), core_ops()));
      } catch (Error& error) {
        throw error.note("in {}", path);
      }
      break;
    case Content::idx:
      inspect_array("idx", path, parse_idx(bytes, path));
      break;
    case Content::unknown:
      throw make_error(ErrorCode::unsupported, "{}: not a known kind of file", path)
          .note("known: models, checkpoints and other safetensors files, graphs (.ir), .npy, .npz,")
          .note("idx files (plain or .gz), PNG, PBM, PGM and PPM");
  }
  return kOk;
}

int inspect_all(Options options) {
  if (!options.png.empty() && options.files.size() > 1)
    fail(ErrorCode::invalid_argument, "--png writes one row of one file");
  int exit_code = kOk;
  const auto errors = for_each_file(options.files, [&](const std::string& file) {
    options.file = file;
    exit_code = std::max(exit_code, inspect(options));
  });
  return errors.empty() ? exit_code : kError;
}

}  // namespace

void add_inspect(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("inspect", "Show the contents of a model, checkpoint or data file");
  auto options = std::make_shared<Options>();
  command
      ->add_option("FILE", options->files,
                   "Models, checkpoints, graphs, pictures and array files, or rows, FILE#17")
      ->required();
  command->add_flag("--graph", options->graph, "Print the graph of a model");
  command->add_option("--png", options->png, "Write a row of an array, FILE#row, as a picture")
      ->type_name("FILE");
  command->footer(
      "\nExamples:\n"
      "  tenon inspect model.tenon\n"
      "  tenon inspect model.tenon --graph\n"
      "  tenon inspect runs/fashion-lenet/step-00001-00000000.safetensors\n"
      "  tenon inspect train-images-idx3-ubyte.gz\n"
      "  tenon inspect table.npy#0:3\n"
      "  tenon inspect train-images-idx3-ubyte.gz#17 --png shirt.png");
  command->callback([options, &exit_code] { exit_code = inspect_all(*options); });
}

}  // namespace tenon::cli
