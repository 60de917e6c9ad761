// Between `wye up --detach` and the instance that it starts: a pipe that is the instance's output until it is ready.
#pragma once

namespace wye::app {

/// The byte with which the instance tells its starter that every Route is ready; it can not stand in a line.
inline constexpr char kReadyMark = '\0';

/// In the instance: says that it is ready and lets the starter go. From then on it has no output.
void leave_starter();

}  // namespace wye::app
