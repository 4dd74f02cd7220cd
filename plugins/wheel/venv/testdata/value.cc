// A library that others need.
extern "C" int venv_value() { return 42; }
