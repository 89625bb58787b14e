import './rest-styles.css';
