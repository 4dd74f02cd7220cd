#ifndef ANSWER_H_
#define ANSWER_H_

// Returns the next number; throws std::invalid_argument for a negative one.
int Answer(int number);

#endif  // ANSWER_H_
