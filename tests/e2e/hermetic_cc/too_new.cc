// glibc has it since 2.36.
extern "C" unsigned arc4random();

int main() { return arc4random() == 0; }
