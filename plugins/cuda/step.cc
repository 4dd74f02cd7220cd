#include "plugins/cuda/step.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "plugins/base/child_process.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/cuda/plan.h"

namespace rules_inference::cuda {
namespace {

// What nvcc is told to make; its temporary files are named after it, so the plan can be read.
constexpr absl::string_view kObject = "cuda_object.o";
constexpr uint64_t kMaxText = uint64_t{4} << 30;
// Nobody but the user says how long a kernel may take to compile.
constexpr absl::Duration kTimeout = absl::Hours(12);

std::string Virtual(absl::string_view arch) {
  return absl::StrCat("compute_", absl::string_view(arch).substr(arch.find('_') + 1));
}

// As nvcc has it in `-gencode`.
std::string Gencode(absl::string_view arch) {
  return absl::StrCat("-gencode=arch=", Virtual(arch), ",code=", arch);
}

class Step {
 public:
  Step(const StepRequest& request, base::FileSystem& files, const Ask& ask,
       const std::function<void(const std::string&)>& warn)
      : request_(request),
        files_(files),
        ask_(ask),
        warn_(warn),
        scratch_(request.output + ".scratch") {}

  absl::Status Run() {
    const auto remove = absl::MakeCleanup([this] { files_.RemoveTree(scratch_).IgnoreError(); });
    RETURN_IF_ERROR(files_.RemoveTree(scratch_));
    RETURN_IF_ERROR(files_.CreateDirectories(scratch_));
    if (request_.step == "preprocess") return Preprocess();
    if (request_.step == "compile") return Compile();
    if (request_.step == "fatbinary") return Fatbinary();
    return Split();
  }

 private:
  std::string Scratch(absl::string_view name) const { return base::JoinPath(scratch_, name); }

  absl::Status Plan(const std::string& input, absl::Span<const std::string> archs) {
    std::vector<std::string> argv = {request_.nvcc, "--dryrun",
                                     "-ccbin",      request_.ccbin,
                                     "-x",          "cu",
                                     "-c",          input,
                                     "-o",          std::string(kObject),
                                     "-objtemp",    absl::StrCat("--frandom-seed=", request_.seed)};
    for (const std::string& arch : archs) argv.push_back(Gencode(arch));
    argv.insert(argv.end(), request_.nvcc_flags.begin(), request_.nvcc_flags.end());
    ASSIGN_OR_RETURN(const base::ChildAnswer answer, ask_(argv));
    if (answer.exit_code != 0) return Failed("nvcc --dryrun", answer);
    ASSIGN_OR_RETURN(plan_, ParsePlan(answer.error));
    return absl::OkStatus();
  }

  // The one command for which `is` holds.
  absl::StatusOr<Command> Find(absl::string_view what,
                               const std::function<bool(const Command&)>& is) const {
    const auto count = std::count_if(plan_.begin(), plan_.end(), is);
    if (count != 1) {
      return base::Mismatch("plan of nvcc", request_.source,
                            absl::StrCat(count, " commands that ", what), "1");
    }
    Command command = *std::find_if(plan_.begin(), plan_.end(), is);
    // nvcc puts its own directory on the path; the tools are looked up there and nowhere else.
    const std::string& program = command.front();
    if (!absl::StrContains(program, '/')) {
      command[0] = absl::StrCat(request_.nvcc.substr(0, request_.nvcc.rfind('/') + 1), program);
    }
    return command;
  }

  absl::StatusOr<Command> FindPreprocessor(absl::string_view suffix) const {
    return Find(absl::StrCat("write ", suffix), [&](const Command& command) {
      return std::find(command.begin(), command.end(), "-E") != command.end() &&
             absl::EndsWith(FlagValue(command, "-o"), suffix);
    });
  }

  absl::StatusOr<Command> FindProgram(absl::string_view name) const {
    return Find(absl::StrCat("run ", name),
                [&](const Command& command) { return Program(command) == name; });
  }

  // Puts files of this action in the places of nvcc's; a word has to be the whole file.
  void Replace(Command& command, const std::map<std::string, std::string>& places) const {
    for (std::string& word : command) {
      absl::string_view flag;
      absl::string_view value = word;
      if (const size_t equals = word.find('='); word.front() == '-' && equals != word.npos) {
        flag = absl::string_view(word).substr(0, equals + 1);
        value = absl::string_view(word).substr(equals + 1);
      }
      for (const auto& [suffix, path] : places) {
        if (absl::StartsWith(value, kObject) && absl::EndsWith(value, suffix)) {
          word = absl::StrCat(flag, path);
          break;
        }
      }
    }
  }

  // The same names of the source and of what has internal linkage in all steps.
  void Name(Command& command) const {
    for (size_t i = 0; i + 1 < command.size(); ++i) {
      if (command[i] == "--orig_src_path_name" || command[i] == "--orig_src_file_name") {
        command[i + 1] = request_.source;
      }
    }
    command.erase(std::remove(command.begin(), command.end(), "--gen_module_id_file"),
                  command.end());
  }

  absl::Status Call(const Command& command) {
    ASSIGN_OR_RETURN(const base::ChildAnswer answer, ask_(command));
    if (answer.exit_code != 0) return Failed(Program(command), answer);
    const std::string said = answer.output + answer.error;
    if (!said.empty()) warn_(said);
    return absl::OkStatus();
  }

  absl::Status Failed(absl::string_view program, const base::ChildAnswer& answer) {
    if (absl::StrContains(answer.error, "#error -- unsupported GNU version") ||
        absl::StrContains(answer.error, "#error -- unsupported clang version")) {
      return HostCompilerError();
    }
    warn_(answer.output + answer.error);
    const absl::Status status = base::Mismatch(
        "cuda", request_.source,
        absl::StrCat("exit code ", answer.exit_code, " of ", program,
                     request_.arch.empty() ? "" : absl::StrCat(" for ", request_.arch)),
        "0");
    return absl::StrContains(answer.error, "Unsupported gpu architecture")
               ? base::WithHint(status, "remove the architecture, or take another toolkit")
               : status;
  }

  // crt/host_config.h has stopped the preprocessor; its words do not say what was found.
  absl::Status HostCompilerError() {
    std::string found = "an unsupported version";
    Command command = {request_.ccbin};
    command.insert(command.end(), request_.host_flags.begin(), request_.host_flags.end());
    for (const char* word : {"-E", "-dM", "-x", "c++", "/dev/null"}) command.emplace_back(word);
    if (const auto answer = ask_(command); answer.ok() && answer->exit_code == 0) {
      std::map<absl::string_view, absl::string_view> macros;
      for (absl::string_view line : absl::StrSplit(answer->output, '\n')) {
        const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
        if (words.size() == 3) macros[words[1]] = words[2];
      }
      const bool clang = macros.contains("__clang_major__");
      const std::string major = clang ? "__clang_major__" : "__GNUC__";
      const std::string minor = clang ? "__clang_minor__" : "__GNUC_MINOR__";
      if (macros.contains(major)) {
        found = absl::StrCat(clang ? "clang " : "gcc ", macros[major], ".", macros[minor]);
      }
    }
    return base::WithHint(
        base::Mismatch(
            "host compiler", request_.ccbin, found,
            absl::StrCat("gcc up to ", request_.gcc_max, " or clang up to ", request_.clang_max,
                         ", which CUDA ", request_.toolkit, " accepts")),
        "build with another C++ toolchain; or, at your own risk, add -allow-unsupported-compiler "
        "to cuda_copts");
  }

  absl::Status RunPreprocessor(Command command, absl::string_view suffix,
                               const std::string& output) {
    Replace(command, {{std::string(suffix), output}});
    command.insert(command.end(), request_.host_flags.begin(), request_.host_flags.end());
    const std::string dependencies = Scratch("d");
    for (const std::string& word : {std::string("-MD"), std::string("-MF"), dependencies}) {
      command.push_back(word);
    }
    RETURN_IF_ERROR(Call(command));
    if (request_.unused.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(files_, dependencies, kMaxText));
    const std::vector<std::string> used = ParseDependencies(text);
    std::string unused;
    for (const std::string& header : request_.headers) {
      if (!std::binary_search(used.begin(), used.end(), header)) {
        absl::StrAppend(&unused, header, "\n");
      }
    }
    return base::WriteFile(files_, request_.unused, unused);
  }

  absl::Status Preprocess() {
    RETURN_IF_ERROR(Plan(request_.source, request_.archs));
    // A cubin and PTX of one architecture share it, and the plan names it once for both. Where
    // there is no other, its name does not say which one it is.
    std::string suffix = absl::StrCat(".", Virtual(request_.arch), ".cpp1.ii");
    if (absl::c_all_of(request_.archs, [&](const std::string& arch) {
          return Virtual(arch) == Virtual(request_.arch);
        })) {
      suffix = ".cpp1.ii";
    }
    ASSIGN_OR_RETURN(const Command command, FindPreprocessor(suffix));
    return RunPreprocessor(command, suffix, request_.output);
  }

  absl::Status Split() {
    RETURN_IF_ERROR(Plan(request_.source, request_.archs));
    ASSIGN_OR_RETURN(const Command preprocess, FindPreprocessor(".cpp4.ii"));
    const std::string host = Scratch("host.ii");
    RETURN_IF_ERROR(RunPreprocessor(preprocess, ".cpp4.ii", host));
    ASSIGN_OR_RETURN(Command split, FindProgram("cudafe++"));
    Name(split);
    Replace(split, {{".cpp4.ii", host},
                    {".cudafe1.cpp", request_.output},
                    {".cudafe1.stub.c", request_.stub_name},
                    {".module_id", request_.module_id}});
    return Call(split);
  }

  absl::Status Compile() {
    // With one architecture the plan has one command of each kind. What it preprocesses is ours.
    RETURN_IF_ERROR(Plan(request_.input, {request_.arch}));
    const bool cubin = absl::StartsWith(request_.arch, "sm_");
    const bool intermediate = absl::StartsWith(request_.arch, "lto_");
    const std::string ptx = cubin ? Scratch("ptx") : request_.output;
    const std::map<std::string, std::string> places = {
        {".cpp1.ii", request_.input},       {".cudafe1.c", Scratch("c")},
        {".cudafe1.gpu", Scratch("gpu")},   {".cudafe1.stub.c", request_.stub},
        {".fatbin.c", request_.fatbin},     {".ltoir", request_.output},
        {".module_id", request_.module_id}, {".ptx", ptx},
        {".cubin", request_.output},
    };
    ASSIGN_OR_RETURN(Command cicc, FindProgram("cicc"));
    Name(cicc);
    Replace(cicc, places);
    RETURN_IF_ERROR(Call(cicc));
    // It says its own path, which holds the architecture and ends up in debug lines of the host.
    RETURN_IF_ERROR(Rewrite(request_.stub, [&](const std::string& text) {
      return absl::StrReplaceAll(text, {{absl::StrCat("\"", request_.stub, "\""),
                                         absl::StrCat("\"", request_.stub_name, "\"")}});
    }));
    // The device link goes on from here.
    if (intermediate) return absl::OkStatus();
    RETURN_IF_ERROR(Rewrite(ptx, PinTimes));
    ASSIGN_OR_RETURN(Command ptxas, FindProgram("ptxas"));
    Replace(ptxas, places);
    // For PTX it writes nothing and finds what is wrong in inline assembly.
    return Call(ptxas);
  }

  absl::Status Fatbinary() {
    // The source is not needed for the plan, but a file has to be there.
    RETURN_IF_ERROR(Plan(request_.module_id, request_.archs));
    ASSIGN_OR_RETURN(Command command, FindProgram("fatbinary"));
    Replace(command, {{".fatbin", request_.output}, {".fatbin.c", request_.embedded}});
    std::map<absl::string_view, absl::string_view> images;
    for (const std::string& image : request_.images) {
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(image, absl::MaxSplits(':', 1));
      images.insert(parts);
    }
    for (std::string& word : command) {
      absl::string_view text = word;
      if (!absl::ConsumePrefix(&text, "--image3=kind=")) continue;
      // kind=elf,sm=90a,file=…
      const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits(',', 2));
      if (parts.size() != 3 || !absl::StartsWith(parts[1], "sm=")) continue;
      const std::string arch = absl::StrCat(parts[0] == "elf"    ? "sm_"
                                            : parts[0] == "nvvm" ? "lto_"
                                                                 : "compute_",
                                            parts[1].substr(3));
      const auto image = images.find(arch);
      if (image == images.end()) continue;
      word = absl::StrCat("--image3=kind=", parts[0], ",", parts[1], ",file=", image->second);
      images.erase(image);
    }
    if (!images.empty()) {
      return base::Mismatch("plan of nvcc", request_.source,
                            absl::StrCat("no image for ", images.begin()->first), "one");
    }
    return Call(command);
  }

  absl::Status Rewrite(const std::string& path,
                       const std::function<std::string(const std::string&)>& change) {
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(files_, path, kMaxText));
    const std::string changed = change(text);
    return changed == text ? absl::OkStatus() : base::WriteFile(files_, path, changed);
  }

  // Line tables have time and size of each file. Where PTX does not tell them, ptxas looks at the
  // file, and then the cubin depends on when it was checked out.
  static std::string PinTimes(const std::string& ptx) {
    if (!absl::StrContains(ptx, "\t.file\t")) return ptx;
    std::string pinned;
    for (absl::string_view line : absl::StrSplit(ptx, '\n')) {
      absl::StrAppend(&pinned, line);
      if (absl::StartsWith(line, "\t.file\t") && absl::EndsWith(line, "\"")) {
        absl::StrAppend(&pinned, ", 1, 1");
      }
      pinned += '\n';
    }
    pinned.pop_back();
    return pinned;
  }

  const StepRequest& request_;
  base::FileSystem& files_;
  const Ask& ask_;
  const std::function<void(const std::string&)>& warn_;
  const std::string scratch_;
  std::vector<Command> plan_;
};

}  // namespace

absl::StatusOr<StepRequest> ParseStepRequest(absl::Span<const std::string> arguments) {
  StepRequest request;
  const std::map<absl::string_view, std::string*> texts = {
      {"step", &request.step},           {"nvcc", &request.nvcc},
      {"ccbin", &request.ccbin},         {"source", &request.source},
      {"input", &request.input},         {"output", &request.output},
      {"arch", &request.arch},           {"module_id", &request.module_id},
      {"stub", &request.stub},           {"stub_name", &request.stub_name},
      {"fatbin", &request.fatbin},       {"unused", &request.unused},
      {"seed", &request.seed},           {"embedded", &request.embedded},
      {"toolkit", &request.toolkit},     {"gcc_max", &request.gcc_max},
      {"clang_max", &request.clang_max},
  };
  const std::map<absl::string_view, std::vector<std::string>*> lists = {
      {"archs", &request.archs},          {"header", &request.headers},
      {"image", &request.images},         {"host_flag", &request.host_flags},
      {"nvcc_flag", &request.nvcc_flags},
  };
  for (absl::string_view argument : arguments) {
    const size_t equals = argument.find('=');
    const absl::string_view name = argument.substr(0, equals);
    if (absl::StartsWith(name, "--") && equals != argument.npos) {
      const std::string value(argument.substr(equals + 1));
      if (const auto text = texts.find(name.substr(2)); text != texts.end()) {
        *text->second = value;
        continue;
      }
      if (const auto list = lists.find(name.substr(2)); list != lists.end()) {
        list->second->push_back(value);
        continue;
      }
    }
    return base::Mismatch("cuda step", "arguments", base::Quoted(argument), "--<field>=<value>");
  }
  if (request.step != "preprocess" && request.step != "compile" && request.step != "split" &&
      request.step != "fatbinary") {
    return base::Mismatch("cuda step", "--step", base::Quoted(request.step),
                          "preprocess, compile, split or fatbinary");
  }
  for (const char* name : {"nvcc", "ccbin", "source", "output", "seed"}) {
    if (texts.at(name)->empty()) {
      return base::Mismatch("cuda step", absl::StrCat("--", name), "nothing", "a value");
    }
  }
  return request;
}

absl::Status RunStep(const StepRequest& request, base::FileSystem& files, const Ask& ask,
                     const std::function<void(const std::string&)>& warn) {
  absl::Status status = Step(request, files, ask, warn).Run();
  if (status.ok()) {
    // A tool that has nothing to say about an exit code still has to have written.
    status = files.Stat(request.output, base::Follow::kNo).status();
  }
  if (!status.ok()) {
    for (const std::string& path :
         {request.output, request.step == "compile" ? request.stub : ""}) {
      if (!path.empty()) files.RemoveTree(path).IgnoreError();
    }
  }
  return status;
}

absl::StatusOr<base::ChildAnswer> AskTool(const std::vector<std::string>& argv) {
  // The working directory by a name that is the same everywhere: cicc writes it into debug
  // information. gcc finds `as` on the path.
  static const std::vector<std::string>* const environment =
      new std::vector<std::string>{"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", "PWD=/proc/self/cwd"};
  return base::AskChild(argv, *environment, kTimeout, size_t{64} << 20);
}

}  // namespace rules_inference::cuda
