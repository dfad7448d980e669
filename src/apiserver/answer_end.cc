#include "apiserver/answer_end.h"

#include <utility>

namespace kpp::apiserver {
namespace {

// Calls when it goes.
class AtEnd {
 public:
  explicit AtEnd(std::move_only_function<void()> call) : call_(std::move(call)) {}
  AtEnd(AtEnd&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  AtEnd& operator=(AtEnd&&) = delete;
  ~AtEnd() {
    if (call_) call_();
  }

 private:
  std::move_only_function<void()> call_;
};

class Body final : public net::BodySource {
 public:
  Body(std::unique_ptr<net::BodySource> of, AtEnd end) : end_(std::move(end)), of_(std::move(of)) {}
  async::Task<Result<net::SharedBytes>> next(async::StopToken stop) override {
    return of_->next(std::move(stop));
  }

 private:
  AtEnd end_;  // after the source has gone
  std::unique_ptr<net::BodySource> of_;
};

using Serve =
    std::move_only_function<async::Task<void>(std::unique_ptr<net::ByteStream>, async::StopToken)>;

async::Task<void> serve_to_end(Serve serve, AtEnd end, std::unique_ptr<net::ByteStream> stream,
                               async::StopToken stop) {
  const AtEnd kept = std::move(end);
  co_await serve(std::move(stream), std::move(stop));
}

}  // namespace

void when_over(net::Response& response, std::move_only_function<void()> call) {
  AtEnd end(std::move(call));
  if (response.stream) {
    response.stream = std::make_unique<Body>(std::move(response.stream), std::move(end));
  } else if (response.upgraded) {
    response.upgraded = [serve = std::move(response.upgraded), kept = std::move(end)](
                            std::unique_ptr<net::ByteStream> stream,
                            async::StopToken stop) mutable -> async::Task<void> {
      return serve_to_end(std::move(serve), std::move(kept), std::move(stream), std::move(stop));
    };
  }
}

}  // namespace kpp::apiserver
