#include "plugins/infer/server/serve.h"

#include <atomic>
#include <csignal>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/output/json_writer.h"
#include "plugins/infer/server/http.h"
#include "plugins/infer/server/http_server.h"
#include "plugins/infer/server/service.h"
#include "plugins/infer/server/speech.h"

namespace rules_inference::infer {
namespace {

std::string Now() {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
}

// Names that clients choose are escaped, so that a line stays one.
std::string LogText(const HttpRecord& record) {
  return absl::StrFormat("%s %s %s %s %d received=%d sent=%d seconds=%.3f%s", Now(),
                         record.head.peer, record.head.method, base::Quoted(record.head.path),
                         record.status, record.received, record.sent, record.seconds,
                         record.complete ? "" : " incomplete");
}

std::string LogJson(const HttpRecord& record) {
  JsonWriter json(JsonWriter::Layout::kLine);
  json.Object().Key("time").String(Now()).Key("client").String(record.head.peer);
  json.Key("method").String(record.head.method).Key("path").String(record.head.path);
  json.Key("status").Integer(record.status).Key("received").Integer(record.received);
  json.Key("sent").Integer(record.sent).Key("seconds").Seconds(record.seconds);
  json.Key("complete").Bool(record.complete).End();
  return json.Take();
}

// Lines of several threads do not mix.
class Journal {
 public:
  explicit Journal(std::ostream& err) : err_(err) {}
  void Line(absl::string_view line) {
    const std::lock_guard<std::mutex> lock(mutex_);
    err_ << absl::StrCat(line, "\n") << std::flush;
  }

 private:
  std::mutex mutex_;
  std::ostream& err_;
};

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

absl::StatusOr<int> Serve(ServeOptions options, const LoadSpeech& load, std::ostream& out,
                          std::ostream& err) {
  Journal journal(err);
  const Say say = [&](absl::string_view line) { journal.Line(absl::StrCat("infer: ", line)); };
  if (options.log != LogFormat::kNone) {
    options.service.log = [&journal,
                           json = options.log == LogFormat::kJson](const HttpRecord& record) {
      journal.Line(json ? LogJson(record) : LogText(record));
    };
  }
  options.service.complain = say;
  options.service.max_body = options.http.max_body;
  // All threads inherit it: signals come to this one alone, when it asks.
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  Service service(std::move(options.service));
  ASSIGN_OR_RETURN(const std::unique_ptr<HttpServer> server,
                   HttpServer::Start(options.http, service));
  out << absl::StrCat("listening on ", server->Url(), "\n") << std::flush;

  std::atomic<bool> loaded = false;
  absl::Status status;
  std::thread loader([&] {
    absl::StatusOr<std::shared_ptr<Speech>> speech = load(service.metrics(), say);
    if (speech.ok()) {
      service.Ready(*std::move(speech));
    } else {
      status = speech.status();
    }
    loaded = true;
  });
  bool failed = false;
  int signal = -1;
  while (signal < 0 && !failed) {
    const timespec wait = {.tv_sec = 0, .tv_nsec = 100'000'000};
    signal = sigtimedwait(&signals, nullptr, &wait);
    // Written before `loaded`.
    failed = loaded && !status.ok();
  }
  // From here on a signal does what it does to any program.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  service.Stopping();
  if (!failed) say(absl::StrCat("stopping: signal ", signal));
  server->Stop(failed ? std::chrono::milliseconds(0) : options.grace);
  loader.join();
  RETURN_IF_ERROR(status);
  say("stopped");
  return 0;
}

}  // namespace rules_inference::infer
