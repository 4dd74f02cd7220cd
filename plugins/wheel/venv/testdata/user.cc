// A library that needs another one.
extern "C" int venv_value();
extern "C" int VENV_NAME() { return venv_value(); }
