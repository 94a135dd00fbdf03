// tenon completion: scripts for shells, made from the commands themselves.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command.h"
#include "tenon/base/strings.h"
#include "tenon/ops/registry.h"

namespace tenon::cli {

namespace {

struct Word {
  std::string text;
  std::string description;
};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::vector<Word> commands_of(const CLI::App& app) {
  std::vector<Word> words;
  for (const CLI::App* command : app.get_subcommands({}))
    words.push_back({command->get_name(), first_line(command->get_description())});
  return words;
}

std::vector<Word> flags_of(const CLI::App& app) {
  std::vector<Word> words;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames())
      words.push_back({"--" + name, first_line(option->get_description())});
  }
  return words;
}

/// What may stand after a command where that is neither a file nor a flag.
std::vector<Word> arguments_of(const CLI::App& command) {
  std::vector<Word> words = commands_of(command);
  if (command.get_name() == "completion") words = {{"bash", ""}, {"zsh", ""}, {"fish", ""}};
  if (command.get_name() == "ops") {
    for (const auto& op : core_ops().all()) words.push_back({op->name, first_line(op->doc)});
  }
  return words;
}

std::string texts(const std::vector<Word>& words) {
  std::vector<std::string> list;
  for (const Word& word : words) list.push_back(word.text);
  return join(list, " ");
}

std::string bash_script(const CLI::App& app) {
  std::string cases;
  for (const CLI::App* command : app.get_subcommands({})) {
    cases += fmt::format("    {}) words=\"{}\" flags=\"{}\" ;;\n", command->get_name(),
                         texts(arguments_of(*command)), texts(flags_of(*command)));
  }
  return fmt::format(R"SHELL(# tenon completion bash: eval "$(tenon completion bash)" in ~/.bashrc
_tenon() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} words flags
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{} --help --version" -- "$current"))
    return
  fi
  case ${{COMP_WORDS[1]}} in
{}  esac
  # Files where nothing else is meant: -o default.
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  elif [ "$COMP_CWORD" -eq 2 ]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}}
complete -o default -F _tenon tenon
)SHELL",
                     texts(commands_of(app)), cases);
}

/// Single quotes cannot stand inside single quotes.
std::string quoted(std::string text) {
  for (char& c : text) {
    if (c == '\'' || c == ':' || c == '[' || c == ']') c = ' ';
  }
  return "'" + text + "'";
}

std::string zsh_script(const CLI::App& app) {
  std::string commands, cases;
  for (const Word& word : commands_of(app))
    commands += fmt::format("    {}\n", quoted(word.text) + ":" + quoted(word.description));
  for (const CLI::App* command : app.get_subcommands({})) {
    std::string arguments;
    for (const Word& flag : flags_of(*command))
      arguments += fmt::format(" '{}[{}]'", flag.text,
                               quoted(flag.description).substr(1, flag.description.size()));
    std::vector<Word> words = arguments_of(*command);
    std::string rest = words.empty() ? "" : fmt::format("'2:argument:({})' ", texts(words));
    rest += "'*:file:_files'";
    cases += fmt::format("    {}) _arguments{} {} ;;\n", command->get_name(), arguments, rest);
  }
  return fmt::format(R"SHELL(#compdef tenon
# tenon completion zsh > ~/.zfunc/_tenon, with ~/.zfunc in fpath
_tenon() {{
  local -a commands
  commands=(
{}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
{}  esac
}}
_tenon "$@"
)SHELL",
                     commands, cases);
}

std::string fish_script(const CLI::App& app) {
  std::string text = "# tenon completion fish > ~/.config/fish/completions/tenon.fish\n";
  for (const Word& word : commands_of(app))
    text += fmt::format("complete -c tenon -n __fish_use_subcommand -f -a {} -d {}\n", word.text,
                        quoted(word.description));
  for (const CLI::App* command : app.get_subcommands({})) {
    std::string when = fmt::format("-n '__fish_seen_subcommand_from {}'", command->get_name());
    for (const Word& flag : flags_of(*command))
      text += fmt::format("complete -c tenon {} -l {} -d {}\n", when, flag.text.substr(2),
                          quoted(flag.description));
    for (const Word& word : arguments_of(*command))
      text += fmt::format("complete -c tenon {} -f -a {} -d {}\n", when, word.text,
                          quoted(word.description));
  }
  return text;
}

}  // namespace

void add_completion(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("completion", "Print completion for a shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(
      "\nExamples:\n"
      "  eval \"$(tenon completion bash)\"\n"
      "  tenon completion zsh > ~/.zfunc/_tenon\n"
      "  tenon completion fish > ~/.config/fish/completions/tenon.fish");
  command->callback([&app, shell, &exit_code] {
    std::string script = *shell == "bash"  ? bash_script(app)
                         : *shell == "zsh" ? zsh_script(app)
                                           : fish_script(app);
    fmt::print("{}", script);
    exit_code = kOk;
  });
}

}  // namespace tenon::cli
