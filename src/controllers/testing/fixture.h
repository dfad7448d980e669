// What a controller's test needs: a small API server in memory, virtual time, shared informers.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "client/testing/fake_api.h"
#include "controllers/controller.h"

namespace kpp::controllers::testing {

// Start controllers with start<C>(...) after the objects that are there first were put into `api`.
class ControllerTest : public ::testing::Test {
 protected:
  ~ControllerTest() override {
    for (auto it = controllers_.rbegin(); it != controllers_.rend(); ++it)
      scope_.spawn((*it)->stop());
    scope_.spawn(informers_.stop());
    run();
    EXPECT_EQ(scope_.running(), 0);
  }

  ControllerContext context() { return {executor_, client_, informers_, log_}; }

  // Makes controllers, then starts the informers they asked for.
  template <class... C>
  void start_all(std::unique_ptr<C>... controllers) {
    (controllers_.push_back(std::move(controllers)), ...);
    for (auto& controller : controllers_) controller->start();
    informers_.start();
    run();
  }
  template <class C, class... Args>
  C& start(Args&&... args) {
    auto controller = std::make_unique<C>(context(), std::forward<Args>(args)...);
    C& out = *controller;
    start_all(std::move(controller));
    return out;
  }
  void run() { executor_.run_until_idle(); }
  void advance(Duration by) { executor_.advance(by); }

  // "Normal SuccessfulCreate ReplicaSet/web: Created pod: web-x", in no special order.
  std::vector<std::string> events() {
    std::vector<std::string> out;
    for (const auto& e : api_.all<corev1::Event>()) {
      out.push_back(cat(e.type, " ", e.reason, " ", e.involved_object.kind, "/",
                        e.involved_object.name, ": ", e.message));
    }
    return out;
  }
  int count_requests(std::string_view method, std::string_view path_part) const {
    int n = 0;
    for (const auto& r : api_.requests()) {
      if (r.starts_with(method) && r.find(path_part) != std::string::npos) ++n;
    }
    return n;
  }

  async::ManualExecutor executor_;
  LogSink sink_{2};
  Logger log_{sink_, "test"};
  client::testing::FakeApi api_{executor_};
  client::Client client_{api_.transport(), "kube-controller-manager/test", {}, &executor_};
  SharedInformers informers_{executor_, client_, log_};
  std::vector<std::unique_ptr<Controller>> controllers_;
  async::Scope scope_{executor_};
};

}  // namespace kpp::controllers::testing
